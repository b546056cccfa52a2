"""The clock that runner, announcer, approvals and reminders share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; tests advance theirs by hand."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""
        return datetime.now(UTC)


class Interval:
    """Says when something is due: at the first look, then once per interval, even if the clock was set."""

    def __init__(self, length: timedelta, clock: Clock) -> None:
        self._length = length
        self._clock = clock
        self._last: datetime | None = None

    def begin(self) -> bool:
        """Whether it is due; if so, the interval begins anew."""
        now = self._clock.now()
        if self._last is not None and abs(now - self._last) < self._length:
            return False
        self._last = now
        return True
