"""Short-lived permissions that ride on a payload: trigger_id (3 s, once) and response_url (30 min, five times)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.slack.values.shapes import Refusal
from sandbox.slack.values.stamps import make_secret

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 1800.0
MOST_RESPONSES = 5
KEPT = 5_000


@dataclass
class Trigger:
    """Lets the app open a view for this person."""

    user: str
    expires: float
    used: bool = False


@dataclass
class ResponsePath:
    """Where a response_url leads: a channel, a person, and the message that was clicked if any."""

    channel: str
    user: str
    message: str | None
    thread: str | None
    expires: float
    left: int = MOST_RESPONSES


class Triggers:
    """Issues and redeems both."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}
        self._paths: dict[str, ResponsePath] = {}

    def issue(self, user: str) -> str:
        """Return a new trigger_id for this person."""
        trigger = f"{make_secret(12)}.{make_secret(12)}.{make_secret(20)}"
        self._triggers[trigger] = Trigger(user, self._clock() + TRIGGER_SECONDS)
        _trim(self._triggers)
        return trigger

    def redeem(self, trigger: str) -> str:
        """Use a trigger_id up and return its person. Raises Refusal."""
        known = self._triggers.get(trigger)
        if known is None:
            raise Refusal("invalid_trigger_id")
        if known.used:
            raise Refusal("exchanged_trigger_id")
        if self._clock() > known.expires:
            raise Refusal("expired_trigger_id")
        known.used = True
        return known.user

    def open_path(self, channel: str, user: str, message: str | None = None, thread: str | None = None) -> str:
        """Return the secret part of a new response_url."""
        key = make_secret(32)
        self._paths[key] = ResponsePath(channel, user, message, thread, self._clock() + RESPONSE_SECONDS)
        _trim(self._paths)
        return key

    def follow_path(self, key: str) -> ResponsePath:
        """Use a response_url once. Raises Refusal(used_url, expired_url, not_found)."""
        path = self._paths.get(key)
        if path is None:
            raise Refusal("not_found")
        if self._clock() > path.expires:
            raise Refusal("expired_url")
        if path.left <= 0:
            raise Refusal("used_url")
        path.left -= 1
        return path


def _trim(kept: dict[str, Trigger] | dict[str, ResponsePath]) -> None:
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
