"""Takes the due upgrades, runs one step of each and journals the outcome."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import assert_never

from bot.clock import Clock
from bot.engine.plans import Plans
from bot.engine.step_runs import StepRuns
from bot.engine.turn import StepLog, Turn, correct_wait, describe_outcome, grow_pause, judge_missing, limit_patience
from bot.incidents import note_incident
from bot.journal.journal import Journal
from bot.journal.rows import LONGEST_PAUSE, UpgradeRow, find_first_asked, find_retried, is_due
from bot.journal.store import StoreBroken
from bot.schedule.keeper import Keeper
from bot.telling.chronicle import Chronicle
from bot.transitions import Transitions
from steps.contract.errors import GiveUp, NoPlace, NotGranted, TryAgain
from steps.contract.step import Ask, Blocked, Done, Outcome, Waiting
from steps.plan import is_past_first_write


class Runner:
    """Runs steps. `turn` runs one step of each due upgrade; `run_step` one upgrade's, from any thread."""

    def __init__(
        self,
        journal: Journal,
        chronicle: Chronicle,
        transitions: Transitions,
        keeper: Keeper,
        clock: Clock,
        plans: Plans,
    ) -> None:
        self._journal = journal
        self._chronicle = chronicle
        self._transitions = transitions
        self._keeper = keeper
        self._clock = clock
        self._plans = plans
        self._runs = StepRuns(journal, keeper, clock, plans)
        self._log = StepLog()

    def leave(self) -> None:
        """Begin nothing more; the next bot takes over."""
        self._runs.leave()

    def turn(self) -> datetime | None:
        """Run one step of each due upgrade, one after the other; answers when the next is due."""
        for upgrade in self._journal.list_due(self._clock.now()):
            self.run_step(upgrade)
        return self._journal.find_next_due()

    def run_step(self, upgrade: str) -> None:
        """Run the step that the upgrade stands at, once, and journal what it answered.

        Raises StoreBroken, before anything is done, where the answer could not be journalled.
        """
        self._journal.check()
        row = self._journal.find_upgrade(upgrade)
        now = self._clock.now()
        if row is None or not is_due(row, now):
            return
        with self._log.name_upgrade(row):
            try:
                self._run(row, now)
            except StoreBroken:
                raise
            except Exception as fault:  # what was recorded may be what can't be committed
                self._block_or_set_aside(row, fault)

    def _block_or_set_aside(self, row: UpgradeRow, fault: Exception) -> None:
        """Block on a fault of the bot. Where that can't be told either, the row waits, and the other upgrades go on."""
        try:
            self._commit(row, Turn(), self._block_faulty(row, fault))
        except StoreBroken:
            raise
        except Exception as untold:
            incident = note_incident("block_untold", untold, upgrade=row.id, step=row.step)
            why = f"{row.phase} stopped on a fault of the bot itself, which could not be told (incident {incident})"
            later = self._clock.now() + timedelta(seconds=self._plans.pace.retry_cap)
            self._transitions.set_aside(row, why, later)

    def _run(self, row: UpgradeRow, now: datetime) -> None:
        if row.unreadable:
            self._commit(row, Turn(), self._block_unreadable(row))
            return
        if row.state == "asking":
            self._expire(row, now)
            return
        permit = self._keeper.admit(row, now)
        if not permit.may_run:
            return
        row = dataclasses.replace(row, waiting_since=correct_wait(row, now))
        turn = Turn()
        outcome = self._observe(row, turn, permit.why)
        self._commit(row, turn, limit_patience(self._plans.steps.get(row.step), row, outcome, now))

    def _block_faulty(self, row: UpgradeRow, fault: Exception) -> Blocked:
        """An unknown exception is a bug: a person decides."""
        incident = note_incident("step_failed", fault, upgrade=row.id, step=row.step)
        return Blocked(
            f"{row.phase} stopped on a fault of the bot itself: {type(fault).__name__}: {fault}",
            f"The bot's log has the details (incident {incident}). Retry runs the step again, which is safe; "
            "abort ends the upgrade.",
        )

    def _block_unreadable(self, row: UpgradeRow) -> Blocked:
        """A row that can't be read may not be acted on; the other upgrades go on."""
        incident = note_incident("row_unreadable", ValueError(row.unreadable), upgrade=row.id)
        return Blocked(
            f"the journal's row of {row.id} can't be read ({row.unreadable})",
            f"The bot's log has the details (incident {incident}). Stop the bot and mend the row, or restore the "
            "journal from a backup; then retry.",
        )

    def _block_unknown(self, row: UpgradeRow, unknown: str) -> Blocked:
        """A plan of another version; what that one started may still change the cluster, and is told."""
        running = self._plans.ports_for(row.address).mesh_tools.list_running(row.id)
        told = f"; {', '.join(running)}, which was started before, still runs and is let end" if running else ""
        return Blocked(
            f"this version of the bot has no step {unknown}, which the upgrade's plan names{told}",
            "Run the version of the bot that started the upgrade, and retry; or abort it and start again.",
        )

    def _expire(self, row: UpgradeRow, now: datetime) -> None:
        """Nobody answered: a denial, but never where the cluster stands half upgraded. A click in time counts first.

        Where a window closed before people had as long as without windows, the question goes on to the next one.
        """
        if row.due is None or self._journal.has_waiting_decision(row.due, now):
            return
        asked = find_first_asked(self._journal.list_questions(row.id), row.step)
        if asked is not None and now - asked < self._plans.pace.approval_life:
            self._transitions.carry_over(row)
            return
        if is_past_first_write(row.plan, row.step):
            self._transitions.ask_again(row)
            return
        denied = Blocked(
            f"{row.phase} was not approved in time, which counts as denied",
            "Retry asks for the approval again; abort ends the upgrade.",
        )
        self._commit(row, Turn(), denied)

    def _observe(self, row: UpgradeRow, turn: Turn, hold: str) -> Outcome:
        try:
            if unknown := self._plans.find_unknown(row.plan, row.step):  # nothing is begun that could not be ended
                return self._block_unknown(row, unknown)
            return self._runs.run(self._plans.steps[row.step], row, turn, hold)
        except TryAgain as fault:
            return Waiting(fault.why, self._choose_pause(row, fault), queued=isinstance(fault, NoPlace))
        except NotGranted as fault:
            retried = find_retried(self._journal.list_questions(row.id), row.step)
            return judge_missing(fault, retried, self._clock.now())
        except GiveUp as fault:
            return Blocked(fault.why, fault.remedy)
        except StoreBroken:
            raise
        except Exception as fault:  # what the step said and recorded until then still counts
            return self._block_faulty(row, fault)

    def _choose_pause(self, row: UpgradeRow, fault: TryAgain) -> float:
        """Seconds; a step that waits for a place among the programs has met no fault that may pass soon."""
        longest = self._plans.pace.retry_cap
        if fault.retry_in is not None:
            return fault.retry_in
        return longest if isinstance(fault, NoPlace) else grow_pause(row, self._clock.now(), longest)

    def _commit(self, row: UpgradeRow, turn: Turn, outcome: Outcome) -> None:
        now = self._clock.now()
        with self._journal.transact():
            current = self._journal.find_upgrade(row.id) or row
            self._runs.write_down(row, turn, now)
            self._journal.record_entries(row.id, turn.entries.values())
            for key, value in turn.revised.items():
                self._journal.revise_json(row.id, key, value)
            self._chronicle.tell_sentences(dataclasses.replace(row, channel=current.channel), turn.sentences, now)
            self._journal.record_step(
                row.id, row.step, type(outcome).__name__, describe_outcome(outcome), now, isinstance(outcome, Done)
            )
            # an abort or a decision that came while the step ran has moved the upgrade; what was done still counts
            if (current.step, current.state, current.generation) == (row.step, row.state, row.generation):
                # and what else came of people (a move, a pause) holds for its outcome as well
                self._apply(dataclasses.replace(current, waiting_since=row.waiting_since), outcome, now)
            else:
                self._chronicle.draw_root(row.id, now)
        self._log.note_outcome(row, outcome)

    def _apply(self, row: UpgradeRow, outcome: Outcome, now: datetime) -> None:
        match outcome:
            case Done():
                self._transitions.move_on(row, outcome)
            case Waiting(held=True):
                self._keeper.hold(row, now)
            case Waiting():
                pause = min(max(outcome.retry_in, 0.0), self._plans.pace.retry_cap, LONGEST_PAUSE.total_seconds())
                self._transitions.wait(row, outcome, now + timedelta(seconds=pause))
            case Ask():
                expires = self._keeper.choose_expiry(row, now, self._plans.pace.approval_life)
                self._keeper.note_times(row, now)
                self._transitions.ask(row, outcome, expires)
                self._keeper.note_question(row, row.generation + 1, now, expires)
            case Blocked():
                self._transitions.ask(row, outcome, None)
            case _:
                assert_never(outcome)
