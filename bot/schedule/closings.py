"""Has root and card drawn again once a window has ended: when they said that an upgrade may act is over."""

from __future__ import annotations

from datetime import datetime

from bot.clock import Clock
from bot.journal.journal import Journal
from bot.schedule.keeper import Keeper
from bot.telling.chronicle import Chronicle


class Closings:
    """`tick` looks at each open upgrade; what it told is known until a restart, after which it is drawn once more."""

    def __init__(self, journal: Journal, keeper: Keeper, chronicle: Chronicle, clock: Clock) -> None:
        self._journal = journal
        self._keeper = keeper
        self._chronicle = chronicle
        self._clock = clock
        self._told: dict[str, datetime] = {}

    def tick(self) -> None:
        """Show of each window that has ended the one that follows, or that none does."""
        now = self._clock.now()
        for row in self._journal.list_open_upgrades():
            _, ends = self._journal.find_times(row.id) or (None, None)
            if ends is None or now < ends or self._told.get(row.id) == ends:
                continue
            self._told[row.id] = ends
            with self._journal.transact():
                self._keeper.note_times(row, now)
                self._chronicle.redraw(row)
