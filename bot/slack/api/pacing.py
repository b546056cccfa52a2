"""Budgets that keep the bot below Slack's rate limits; they never sleep, they say how long to wait."""

from __future__ import annotations

from collections import deque
from datetime import datetime


class Quota:
    """At most this many calls in any 60 seconds."""

    def __init__(self, a_minute: int) -> None:
        self._most = a_minute
        self._taken: deque[datetime] = deque(maxlen=a_minute)

    def seconds_until_free(self, now: datetime) -> float:
        """How long until a call may be made; 0 for now, also where the clock was set back."""
        if len(self._taken) < self._most or now < self._taken[0]:
            return 0.0
        return max(0.0, 60.0 - (now - self._taken[0]).total_seconds())

    def take(self, now: datetime) -> None:
        """Count one call."""
        self._taken.append(now)


class Budget:
    """A token bucket: `burst` calls at once, then `per_minute`, so at most `burst + per_minute` in any minute."""

    def __init__(self, per_minute: float, burst: float) -> None:
        self._rate = per_minute / 60
        self._burst = burst
        self._left = burst
        self._at: datetime | None = None

    def seconds_until_free(self, now: datetime) -> float:
        """How long until a call may be made; 0 for now."""
        self._refill(now)
        return 0.0 if self._left >= 1 else (1 - self._left) / self._rate

    def take(self, now: datetime) -> None:
        """Count one call."""
        self._refill(now)
        self._left -= 1

    def _refill(self, now: datetime) -> None:
        # A clock that was set back gives nothing and takes nothing.
        passed = max(0.0, (now - self._at).total_seconds()) if self._at else 0.0
        self._left = min(self._burst, self._left + passed * self._rate)
        self._at = now

    def hold(self, now: datetime, seconds: float) -> None:
        """Make no call for this many seconds, as Slack asked."""
        self._refill(now)
        self._left = min(self._left, 1 - seconds * self._rate)
