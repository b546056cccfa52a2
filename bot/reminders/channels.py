"""Tells people directly where a channel takes none of their upgrade's messages: nobody else would notice."""

from __future__ import annotations

from bot.clock import Clock
from bot.journal.journal import Journal
from bot.journal.outbox import Outbox
from bot.telling.chronicle import Chronicle


class ChannelWatch:
    """`tick` writes to who asked for an upgrade and to its approvers, once for each time that its channel fails."""

    def __init__(self, journal: Journal, outbox: Outbox, chronicle: Chronicle, clock: Clock) -> None:
        self._journal = journal
        self._outbox = outbox
        self._chronicle = chronicle
        self._clock = clock

    def tick(self) -> None:
        """Tell of each channel that fails; what works again may be told of anew."""
        failing = self._outbox.list_unwritable()
        self._outbox.end_unwritable({(one.channel, one.upgrade) for one in failing})
        for one in failing:
            row = self._journal.find_upgrade(one.upgrade)
            if row is not None and row.ended_at is None:
                self._chronicle.tell_unwritable(row, one.channel, one.why, self._clock.now())
