"""Takes the way-back button off old reports; from then on only a command goes back."""

from __future__ import annotations

from datetime import timedelta

from bot.clock import Clock, Interval
from bot.journal.journal import JournalView
from bot.telling.chronicle import Chronicle

BETWEEN = timedelta(minutes=10)
# Older ones were looked at before, whenever the bot ran.
LOOKED_AT = 200


class OldReports:
    """Looks at ended upgrades now and then; `shown` is how long a report keeps the button."""

    def __init__(self, journal: JournalView, chronicle: Chronicle, clock: Clock, shown: timedelta) -> None:
        self._journal = journal
        self._chronicle = chronicle
        self._clock = clock
        self._shown = shown
        self._interval = Interval(BETWEEN, clock)
        self._closed: set[str] = set()

    def turn(self) -> None:
        """Look once, unless that was a moment ago."""
        if not self._interval.begin():
            return
        now = self._clock.now()
        for row in self._journal.list_upgrades(limit=LOOKED_AT):
            if row.id not in self._closed and row.ended_at is not None and now - row.ended_at >= self._shown:
                self._chronicle.close_return(row.id)
                self._closed.add(row.id)
