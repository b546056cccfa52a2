"""One run of a step: what it is given, and what it did besides its outcome, written into the audit."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.clock import Clock
from bot.engine.deeds import NothingNew, Witness, describe_deeds, list_fallen
from bot.engine.doubts import Doubts, is_about_journal
from bot.engine.plans import Plans
from bot.engine.turn import Turn, TurnLedger, TurnMemory
from bot.journal.audit import AuditEvent
from bot.journal.grounds import PASSED, Grounds
from bot.journal.journal import Journal
from bot.journal.records import BOT
from bot.journal.rows import UpgradeRow
from bot.schedule.keeper import Keeper
from bot.telling.phrases import mention, word_outcome, word_said
from steps.contract.errors import GiveUp
from steps.contract.step import Context, Done, Outcome, Step, Waiting

LOOK_AGAIN = 5.0
# What is run beside the plan, such as giving rights back, is held by no window.
ASIDE = "beside the plan"


class StepRuns:
    """Runs steps over the gateways of their clusters."""

    def __init__(self, journal: Journal, keeper: Keeper, clock: Clock, plans: Plans) -> None:
        self._journal = journal
        self._keeper = keeper
        self._clock = clock
        self._plans = plans
        self._leaving = threading.Event()
        self._doubts = Doubts(journal)

    def run(self, step: Step, row: UpgradeRow, turn: Turn, hold: str) -> Outcome:
        """Run the step once, on grounds that are proven. Raises what the step raises."""
        grounds = self._journal.standing.read(row.id)
        if replace(grounds.row, waiting_since=row.waiting_since) != row:
            return Waiting(f"{row.id} was changed while its step began", 0.0)
        doubt = self._doubts.judge(row, grounds)
        if doubt is not None:
            return word_outcome(doubt)
        if grounds.faults:  # what is believed since may hold the upgrade
            return Waiting(f"{row.id} goes on as the journal has it", 0.0)
        try:
            outcome = word_outcome(step.run(self._build_context(step.id, row, turn, hold, grounds)))
            if isinstance(outcome, Waiting) and outcome.held and not hold:  # nothing holds it that will end
                outcome = replace(outcome, held=False, retry_in=LOOK_AGAIN)
        except NothingNew as stop:
            return word_outcome(Waiting(str(stop), LOOK_AGAIN))
        if isinstance(outcome, Done) and step.id == row.step:
            decided = row.generation if self._journal.find_decision(row) else 0
            turn.revised[PASSED] = {**grounds.passed, row.step: decided}
        return outcome

    def leave(self) -> None:
        """Begin nothing more: steps at work end before their next call that would change a cluster."""
        self._leaving.set()

    def write_down(self, row: UpgradeRow, turn: Turn, now: datetime) -> None:
        """Add to the audit what the turn did to the cluster and which workloads began to fail; joins a transaction."""
        failing = any(entry.state == "failed" for entry in turn.entries.values())
        known = self._journal.read_ledger(row.id) if failing else ()
        events: list[AuditEvent] = [*describe_deeds(row.step, turn), *list_fallen(row.step, turn, known)]
        for event in events:
            self._journal.append(row.id, BOT, event, now)

    def _build_context(self, step: str, row: UpgradeRow, turn: Turn, hold: str, grounds: Grounds) -> Context:
        release = self._plans.releases.get(row.release)
        if release is None:
            raise GiveUp(
                f"this bot has no file for the release {row.release}",
                "Put the release's TOML file back into the folder that ASM_UPGRADE_RELEASES names.",
            )
        ports = self._plans.ports_for(row.address)
        now, decision = self._clock.now(), self._journal.find_decision(row)
        memory = TurnMemory(self._journal, row.id, turn, grounds.notes)
        of_plan = step == row.step
        stop = partial(self._find_stop, row, hold if of_plan else ASIDE)
        witness = Witness(memory, turn, (step, row.generation) if of_plan else None, stop)
        return Context(
            journal_id=self._journal.read_id(),
            upgrade_id=row.id,
            step_id=row.step,
            generation=row.generation,
            requester=row.requester,
            cluster=row.address,
            options=row.options,
            release=release,
            releases=self._plans.releases,
            now=now,
            waiting_since=row.waiting_since or now,
            memory=memory,
            ledger=TurnLedger(self._journal, row.id, turn),
            kubernetes=witness.watch_cluster(ports.kubernetes),
            gke=witness.watch_google(ports.gke),
            release_files=ports.release_files,
            mesh_tools=witness.watch_tools(ports.mesh_tools),
            backups=ports.backups,
            decision=None if is_about_journal(decision) else decision,
            say=lambda sentence: turn.sentences.append(word_said(sentence)),
            hold=hold,
            approval_ended=self._find_ended(row, now),
            through=self._journal.find_through(row),
            forecast=lambda: self._keeper.forecast(row, now),
            read_head=lambda: self._journal.find_head(row.id),
            probes=ports.probes,
        )

    def _find_stop(self, row: UpgradeRow, hold: str, begun: bool) -> str:
        """Why nothing may be begun for the upgrade any more, though it could when the turn began; "" for nothing.

        Raises StoreBroken: what can't be written down is not done.
        """
        self._journal.check()
        if self._leaving.is_set():
            return "the bot is being stopped, and goes on when it is started again"
        now = self._journal.find_upgrade(row.id)
        if now is None or now.step != row.step:
            return f"{row.phase} is left"
        if now.paused_by and not row.paused_by:
            return f"paused by {mention(now.paused_by)}"
        if not begun and not hold and (closed := self._keeper.find_closing(row, self._clock.now())):
            return closed
        return self._keeper.find_silence(row, self._clock.now())

    def _find_ended(self, row: UpgradeRow, now: datetime) -> datetime | None:
        """When the approval of the step's phase became too old to be acted on, None where it has not."""
        ends = self._journal.find_approval_end(row.id, row.step.partition("/")[0])
        return ends if ends and ends < now else None
