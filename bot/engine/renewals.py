"""Renews the Lease of upgrades that wait for people, at a slow beat; those that act renew their own."""

from __future__ import annotations

from datetime import timedelta

from bot.clock import Clock, Interval
from bot.engine.asides import Asides, attempt, is_acting
from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow
from steps.notes.permissions import LEASE
from steps.phases.lease.renewal import KEEP, needs_renewal

BETWEEN = timedelta(seconds=30)
NOT_RENEWED = "lease_not_renewed"


class Renewals:
    """Looks at open upgrades; one without a Lease, such as a proposal, is left alone."""

    def __init__(self, journal: Journal, asides: Asides, clock: Clock) -> None:
        self._journal = journal
        self._asides = asides
        self._clock = clock
        self._interval = Interval(BETWEEN, clock)

    def turn(self) -> None:
        """Renew what is due; a cluster that can't be reached is tried again the next time."""
        if not self._interval.begin():
            return
        for row in self._journal.list_open_upgrades():
            attempt(NOT_RENEWED, row, self._renew)

    def _renew(self, row: UpgradeRow) -> None:
        if self._is_due(row):
            self._asides.run(KEEP, row)

    def _is_due(self, row: UpgradeRow) -> bool:
        if is_acting(row, self._clock):
            return False
        return needs_renewal(self._journal.recall(row.id, LEASE), self._clock.now())
