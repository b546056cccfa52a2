"""Steps of no plan, run beside an upgrade's own while that waits for people; what they record commits like a step's."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bot.clock import Clock
from bot.engine.step_runs import StepRuns
from bot.engine.turn import Turn
from bot.incidents import note_incident
from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow, is_due
from bot.journal.store import StoreBroken
from bot.telling.chronicle import Chronicle
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.step import Done, Step

log = structlog.get_logger(__name__)


class Asides:
    """Runs them, and tells what they say."""

    def __init__(self, journal: Journal, chronicle: Chronicle, runs: StepRuns, clock: Clock) -> None:
        self._journal = journal
        self._chronicle = chronicle
        self._runs = runs
        self._clock = clock

    def run(self, step: Step, row: UpgradeRow) -> None:
        """Run the step once. What is decided meanwhile goes on from what it recorded."""
        turn = Turn()
        outcome = self._runs.run(step, row, turn, hold="")
        if not isinstance(outcome, Done):
            return
        now = self._clock.now()
        with self._journal.transact():
            for key, value in turn.revised.items():
                self._journal.revise_json(row.id, key, value)
            self._runs.write_down(row, turn, now)
            if outcome.sentence:
                self._chronicle.tell(row, outcome.sentence, now)


def is_acting(row: UpgradeRow, clock: Clock) -> bool:
    """Whether the upgrade's own step runs or is about to."""
    return row.state == "running" and is_due(row, clock.now())


def attempt(event: str, row: UpgradeRow, act: Callable[[UpgradeRow], None]) -> None:
    """Do it for one upgrade; a fault of its cluster is logged and doesn't keep the others waiting."""
    try:
        act(row)
    except (TryAgain, GiveUp) as fault:
        log.info(event, cluster=row.cluster, why=fault.why)
    except StoreBroken:
        raise
    except Exception as fault:
        note_incident(event, fault, cluster=row.cluster)
