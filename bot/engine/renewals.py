"""Renews the Lease of upgrades that wait for people, at a slow beat; those that act renew their own."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial

from bot.clock import Clock, Interval
from bot.engine.asides import Asides, attempt, is_acting
from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow
from bot.pools import hand_over
from steps.notes.permissions import LEASE
from steps.phases.lease.renewal import KEEP, needs_renewal

BETWEEN = timedelta(seconds=30)
NOT_RENEWED = "lease_not_renewed"
# So many clusters at once, and so many seconds for them: one that is silent takes no other's Lease with it.
MOST = 32
TURN_SECONDS = 20.0


class Renewals:
    """Looks at open upgrades; one without a Lease, such as a proposal, is left alone.

    A turn waits for `limit` seconds; what takes longer goes on beside the next one.
    """

    def __init__(self, journal: Journal, asides: Asides, clock: Clock, limit: float = TURN_SECONDS) -> None:
        self._journal = journal
        self._asides = asides
        self._clock = clock
        self._interval = Interval(BETWEEN, clock)
        self._limit = limit
        self._running: dict[str, Future[None]] = {}

    def turn(self) -> None:
        """Renew what is due; a cluster that can't be reached is tried again the next time."""
        if not self._interval.begin():
            return
        self._running = {upgrade: future for upgrade, future in self._running.items() if not future.done()}
        due: list[UpgradeRow] = []
        for row in self._journal.list_open_upgrades():
            attempt(NOT_RENEWED, row, lambda one: due.extend([one] if self._is_due(one) else []))
        self._renew_together([row for row in due if row.id not in self._running])

    def _renew_together(self, rows: list[UpgradeRow]) -> None:
        if not rows:
            return
        pool = ThreadPoolExecutor(min(len(rows), MOST), thread_name_prefix="lease")
        begun = dict[str, Future[None]]()
        for row in rows:  # a thread that can't be started is noted, and the Lease renewed the next time
            attempt(NOT_RENEWED, row, lambda one: begun.update({one.id: self._begin(pool, one)}))
        pool.shutdown(wait=False)
        self._running |= begun
        for future in wait(begun.values(), timeout=self._limit).done:
            future.result()

    def _begin(self, pool: ThreadPoolExecutor, row: UpgradeRow) -> Future[None]:
        return hand_over(pool, partial(attempt, NOT_RENEWED, row, self._renew), f"the Lease of {row.cluster}")

    def _renew(self, row: UpgradeRow) -> None:
        self._asides.run(KEEP, row)

    def _is_due(self, row: UpgradeRow) -> bool:
        if is_acting(row, self._clock):
            return False
        return needs_renewal(self._journal.recall(row.id, LEASE), self._clock.now())
