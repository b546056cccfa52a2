"""Takes cluster-admin back where nothing needs it: from upgrades that stand still, and what ended ones left behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock, Interval
from bot.engine.leftovers import Leftovers
from bot.engine.plans import Plans
from bot.engine.step_runs import StepRuns
from bot.engine.turn import Turn
from bot.incidents import note_incident
from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow, find_last_act, is_due
from bot.journal.store import StoreBroken
from bot.telling.chronicle import Chronicle
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.step import Done
from steps.notes.permissions import BINDING
from steps.phases.rested import IDLE, REST

log = structlog.get_logger(__name__)
BETWEEN = timedelta(hours=1)
DAY = timedelta(days=1)


class OwnBindings:
    """Looks at start and every hour at open upgrades, and at start and daily at the clusters of all."""

    def __init__(self, journal: Journal, chronicle: Chronicle, runs: StepRuns, plans: Plans, clock: Clock) -> None:
        self._journal = journal
        self._chronicle = chronicle
        self._runs = runs
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
            if self._is_idle(row, now):
                self._attempt(row, self._rest)
        for row in self._list_latest():
            if now - self._seen.get(row.cluster, now - DAY) >= DAY:
                self._attempt(row, self._look_for_leftovers)

    def _is_idle(self, row: UpgradeRow, now: datetime) -> bool:
        """Whether it has something to give back, has changed nothing for a day and is not about to."""
        kept = self._journal.recall(row.id, BINDING)
        if kept is None or not kept.ours or (row.state == "running" and is_due(row, now)):
            return False
        return now - (find_last_act(self._journal.list_audit(row.id)) or row.created_at) >= IDLE

    def _rest(self, row: UpgradeRow) -> None:
        """Whatever is decided meanwhile, the step that acts next finds the note and binds again."""
        turn = Turn()
        outcome = self._runs.run(REST, row, turn, hold="")
        if not isinstance(outcome, Done) or not outcome.sentence:
            return
        sentence = outcome.sentence
        now = self._clock.now()
        with self._journal.transact():
            for key, value in turn.revised.items():
                self._journal.revise_json(row.id, key, value)
            self._runs.write_down(row, turn, now)
            self._chronicle.tell(row, sentence, now)

    def _list_latest(self) -> list[UpgradeRow]:
        """The latest upgrade of each cluster that the journal knows, for its address."""
        return list({row.cluster: row for row in reversed(self._journal.list_upgrades(limit=10_000))}.values())

    def _look_for_leftovers(self, row: UpgradeRow) -> None:
        self._leftovers.look(self._plans.ports_for(row.address).kubernetes, row)
        self._seen[row.cluster] = self._clock.now()

    def _attempt(self, row: UpgradeRow, look: Callable[[UpgradeRow], None]) -> None:
        try:
            look(row)
        except (TryAgain, GiveUp) as fault:
            log.info("binding_not_looked_at", cluster=row.cluster, why=fault.why)
        except StoreBroken:
            raise
        except Exception as fault:
            note_incident("binding_not_looked_at", fault, cluster=row.cluster)
