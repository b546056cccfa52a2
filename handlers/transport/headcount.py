"""Whether another program uses the app's token: Slack then hands each click to one of them at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

log = structlog.get_logger(__name__)
# Slack allows ten an app and sends each payload to one of them. The SDK closes a connection that Slack wants refreshed
# before the new one stands, and a click in that half second is lost if there is no other.
CONNECTIONS = 2
# What Slack counts may still hold a connection that is just being replaced, or one of a machine that was lost. So it
# counts only where a later count says the same.
CONFIRMED_SECONDS = 60.0
COUNTED_AGAIN_SECONDS = 300.0


class Headcount:
    """What Slack says of the token's connections as each one is opened, against `own`, those of this bot."""

    def __init__(self, own: int, monotonic: Callable[[], float]) -> None:
        self._own = own
        self._monotonic = monotonic
        self._counted = 0
        self._crowded_since: float | None = None
        self._asked_at = 0.0
        self._is_confirmed = False

    def note(self, message: Mapping[str, object]) -> None:
        """Take what Slack says first on a connection; everything else is of no interest here."""
        number = message.get("num_connections")
        if message.get("type") != "hello" or not isinstance(number, int):
            return
        self._counted, now = number, self._monotonic()
        if number <= self._own:
            self._crowded_since, self._is_confirmed = None, False
        elif self._crowded_since is None:
            self._crowded_since = self._asked_at = now
        elif now - self._crowded_since >= CONFIRMED_SECONDS and not self._is_confirmed:
            self._is_confirmed = True
            log.warning("slack_token_shared", connections=number, own=self._own, why=self.find_trouble())

    def needs_count(self) -> bool:
        """Whether a connection is to be opened anew now, so that Slack counts again."""
        if self._crowded_since is None:
            return False
        pause = COUNTED_AGAIN_SECONDS if self._is_confirmed else CONFIRMED_SECONDS
        if self._monotonic() - self._asked_at < pause:
            return False
        self._asked_at = self._monotonic()
        return True

    def find_trouble(self) -> str:
        """Who else takes clicks, a sentence; "" where nobody does, or nobody for long."""
        if not self._is_confirmed:
            return ""
        return (
            f"Slack counts {self._counted} connections of the app's token, and {self._own} are this bot's: another "
            "program gets a part of what people click and type. Give each bot a Slack app of its own, or end the other"
        )
