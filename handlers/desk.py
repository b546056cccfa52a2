"""What the listeners need of the application."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.records import Click
from bot.slack.identity import SlackIdentity


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""
        ...


class Desk(Protocol):
    """Takes clicks in; a worker decides them afterwards and answers through the outbox."""

    def receive(self, click: Click) -> bool:
        """Commit the click as it came; False where it was seen before. Nothing is decided yet."""
        ...


@dataclass(frozen=True)
class Reception:
    """Everything that a listener works with."""

    desk: Desk
    identity: SlackIdentity
    clock: Clock
