"""A clock for a bot whose time is moved by hand between its turns, and in them goes on with the processor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from tests.unit.bot.workbench import HandClock


class WorkingClock(HandClock):
    """Stands still unless it is moved or `working`. Then it follows the processor's time that this program takes.

    A bot on one core that nobody else uses sees the same. One whose time stood still in a turn would find all the
    upgrades that began together due together for ever.
    """

    def __init__(self) -> None:
        super().__init__()
        self._begun: float | None = None

    def now(self) -> datetime:
        """The time set last, and what was worked since."""
        worked = 0.0 if self._begun is None else time.process_time() - self._begun
        return self.time + timedelta(seconds=worked)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Time passes within, as the processor works."""
        self._begun = time.process_time()
        try:
            yield
        finally:
            self.time, self._begun = self.now(), None
