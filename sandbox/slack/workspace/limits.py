"""The rate limiter: Slack's tier for each method, and one message a second per channel with a short burst."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

MINUTE = 60.0
MESSAGES_PER_SECOND = 1.0
MESSAGE_BURST = 5


class Tier(IntEnum):
    """Calls a minute for each method; SPECIAL is chat.postMessage's own rule, FREE has none."""

    FREE = 0
    SPECIAL = 1
    TWO = 20
    THREE = 50
    FOUR = 100


@dataclass
class Bucket:
    """A channel's allowance of messages at a time."""

    level: float
    at: float


class RateLimiter:
    """Counts calls by the injected clock; switched off it lets everything through."""

    def __init__(self, clock: Callable[[], float], *, enabled: bool = True) -> None:
        self._clock = clock
        self._calls: dict[str, deque[float]] = defaultdict(deque)
        self._channels: dict[str, Bucket] = {}
        self.enabled = enabled

    def take(self, method: str, tier: Tier, channel: str) -> int | None:
        """Count a call, or return the whole seconds to wait (Retry-After) where it is one too many."""
        if not self.enabled or tier is Tier.FREE:
            return None
        if tier is Tier.SPECIAL:
            return self._take_message(channel)
        return self._take_call(method, int(tier))

    def _take_call(self, method: str, allowed: int) -> int | None:
        now = self._clock()
        calls = self._calls[method]
        while calls and (calls[0] <= now - MINUTE or calls[0] > now):
            calls.popleft()
        if len(calls) >= allowed:
            return max(1, math.ceil(calls[0] + MINUTE - now))
        calls.append(now)
        return None

    def _take_message(self, channel: str) -> int | None:
        now = self._clock()
        bucket = self._channels.setdefault(channel, Bucket(MESSAGE_BURST, now))
        gained = max(0.0, now - bucket.at) * MESSAGES_PER_SECOND
        bucket.level = min(float(MESSAGE_BURST), bucket.level + gained)
        bucket.at = now
        if bucket.level < 1:
            return max(1, math.ceil((1 - bucket.level) / MESSAGES_PER_SECOND))
        bucket.level -= 1
        return None
