"""Takes cluster-admin back where nothing needs it: from upgrades that stand still, and what ended ones left behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.clock import Clock, Interval
from bot.engine.asides import Asides, attempt, is_acting
from bot.engine.leftovers import Leftovers
from bot.engine.plans import Plans
from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow, find_last_act
from bot.telling.chronicle import Chronicle
from steps.notes.permissions import BINDING
from steps.phases.rested import IDLE, REST

BETWEEN = timedelta(hours=1)
DAY = timedelta(days=1)
NOT_LOOKED_AT = "binding_not_looked_at"


class OwnBindings:
    """Looks at start and every hour at open upgrades, and at start and daily at the clusters of all."""

    def __init__(self, journal: Journal, chronicle: Chronicle, asides: Asides, plans: Plans, clock: Clock) -> None:
        self._journal = journal
        self._asides = asides
        self._plans = plans
        self._clock = clock
        self._leftovers = Leftovers(journal, chronicle, clock)
        self._interval = Interval(BETWEEN, clock)
        self._seen: dict[str, datetime] = {}

    def turn(self) -> None:
        """Look where the last time is long enough ago; a cluster that can't be reached is tried again the next time."""
        if not self._interval.begin():
            return
        now = self._clock.now()
        for row in self._journal.list_open_upgrades():
            attempt(NOT_LOOKED_AT, row, self._rest)
        for row in self._list_latest():
            if now - self._seen.get(row.cluster, now - DAY) >= DAY:
                attempt(NOT_LOOKED_AT, row, self._look_for_leftovers)

    def _is_idle(self, row: UpgradeRow, now: datetime) -> bool:
        """Whether it has something to give back, has changed nothing for a day and is not about to."""
        kept = self._journal.recall(row.id, BINDING)
        if kept is None or not kept.ours or is_acting(row, self._clock):
            return False
        return now - (find_last_act(self._journal.list_audit(row.id)) or row.created_at) >= IDLE

    def _rest(self, row: UpgradeRow) -> None:
        """Whatever is decided meanwhile, the step that acts next finds the note and binds again."""
        if self._is_idle(row, self._clock.now()):
            self._asides.run(REST, row)

    def _list_latest(self) -> list[UpgradeRow]:
        """The latest upgrade of each cluster that the journal knows, for its address."""
        return list({row.cluster: row for row in reversed(self._journal.list_upgrades(limit=10_000))}.values())

    def _look_for_leftovers(self, row: UpgradeRow) -> None:
        self._leftovers.look(self._plans.ports_for(row.address).kubernetes, row)
        self._seen[row.cluster] = self._clock.now()
