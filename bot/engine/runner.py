"""Takes the due upgrades, runs one step of each and journals the outcome."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, assert_never

import structlog

from bot.clock import Clock
from bot.engine.patience import correct_wait, describe_outcome, limit_patience
from bot.engine.turn import Turn, TurnLedger, TurnMemory
from bot.incidents import note_incident
from bot.journal.journal import LONGEST_PAUSE, Journal, is_due
from bot.journal.rows import UpgradeRow, name_end
from bot.journal.store import Store, StoreBroken
from bot.schedule.keeper import AlwaysOpen, Keeper
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import word_outcome, word_sentence
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.ports import Backups, Gke, Kubernetes, MeshTools, Probes, ReleaseFiles
from steps.contract.release import Release
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Step, Waiting
from steps.mesh import ClusterAddress

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Ports:
    """The gateways that a step acts through, for one cluster."""

    kubernetes: Kubernetes
    gke: Gke
    release_files: ReleaseFiles
    mesh_tools: MeshTools
    backups: Backups
    probes: Probes | None = None


class PortsFor(Protocol):
    """Builds the gateways of a cluster; may raise TryAgain or GiveUp."""

    def __call__(self, address: ClusterAddress, /) -> Ports: ...


@dataclass(frozen=True)
class Pace:
    """Time settings of the runner; `retry_cap` bounds every pause, in seconds."""

    retry_cap: float = 15.0
    approval_life: timedelta = timedelta(hours=24)


class Runner:
    """Runs steps. `turn` runs one step of each due upgrade; `run_step` one upgrade's, from any thread."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        chronicle: Chronicle,
        clock: Clock,
        steps: Mapping[str, Step],
        releases: Mapping[str, Release],
        ports_for: PortsFor,
        pace: Pace,
        keeper: Keeper | None = None,
    ) -> None:
        self._store = store
        self._journal = journal
        self._chronicle = chronicle
        self._clock = clock
        self._steps = steps
        self._releases = releases
        self._ports_for = ports_for
        self._pace = pace
        self._keeper = keeper or AlwaysOpen()

    def turn(self) -> datetime | None:
        """Run one step of each due upgrade, one after the other; answers when the next is due."""
        for row in self._journal.list_due(self._clock.now()):
            self.run_step(row.id)
        return self._journal.find_next_due()

    def run_step(self, upgrade: str) -> None:
        """Run the step that the upgrade stands at, once, and journal what it answered.

        Raises StoreBroken, before anything is done, where the answer could not be journalled.
        """
        self._store.check()
        row = self._journal.find_upgrade(upgrade)
        now = self._clock.now()
        if row is None or not is_due(row, now):
            return
        try:
            self._run(row, now)
        except StoreBroken:
            raise
        except Exception as fault:  # what was recorded may be what can't be committed
            self._commit(row, Turn(), self._block_faulty(row, fault))

    def _run(self, row: UpgradeRow, now: datetime) -> None:
        permit = self._keeper.admit(row, now)
        if not permit.may_run:
            return
        row = dataclasses.replace(row, waiting_since=correct_wait(row, now))
        turn = Turn()
        outcome = self._expire(row) if row.state == "asking" else self._observe(row, turn, permit.why)
        self._commit(row, turn, limit_patience(self._steps.get(row.step), row, outcome, now))

    def _block_faulty(self, row: UpgradeRow, fault: Exception) -> Blocked:
        """An unknown exception is a bug: a person decides."""
        incident = note_incident("step_failed", fault, upgrade=row.id, step=row.step)
        return Blocked(
            f"{row.step} stopped on a fault of the bot itself: {type(fault).__name__}: {fault}",
            f"The bot's log has the details (incident {incident}). Retry runs the step again, which is safe; "
            "abort ends the upgrade.",
        )

    def _expire(self, row: UpgradeRow) -> Outcome:
        return Blocked(
            f"{row.step.partition('/')[0]} was not approved in time, which counts as denied",
            "Retry asks for the approval again; abort ends the upgrade.",
        )

    def _observe(self, row: UpgradeRow, turn: Turn, hold: str) -> Outcome:
        step = self._steps.get(row.step)
        if step is None:
            return Blocked(
                f"this version of the bot has no step {row.step}, which the upgrade's plan names",
                "Run the version of the bot that started the upgrade, or abort it and start again.",
            )
        try:
            return word_outcome(step.run(self._build_context(row, turn, hold)))
        except TryAgain as fault:
            retry_in = self._pace.retry_cap if fault.retry_in is None else fault.retry_in
            return Waiting(fault.why, retry_in)
        except GiveUp as fault:
            return Blocked(fault.why, fault.remedy)
        except StoreBroken:
            raise
        except Exception as fault:  # what the step said and recorded until then still counts
            return self._block_faulty(row, fault)

    def _build_context(self, row: UpgradeRow, turn: Turn, hold: str) -> Context:
        release = self._releases.get(row.release)
        if release is None:
            raise GiveUp(
                f"this bot has no file for the release {row.release}",
                "Put the release's TOML file back into the folder that ASM_UPGRADE_RELEASES names.",
            )
        ports = self._ports_for(row.address)
        now = self._clock.now()
        return Context(
            upgrade_id=row.id,
            step_id=row.step,
            generation=row.generation,
            requester=row.requester,
            cluster=row.address,
            options=row.options,
            release=release,
            now=now,
            waiting_since=row.waiting_since or now,
            memory=TurnMemory(self._journal, row.id, turn),
            ledger=TurnLedger(self._journal, row.id, turn),
            kubernetes=ports.kubernetes,
            gke=ports.gke,
            release_files=ports.release_files,
            mesh_tools=ports.mesh_tools,
            backups=ports.backups,
            decision=self._journal.find_decision(row),
            say=lambda sentence: turn.sentences.append(word_sentence(sentence)),
            hold=hold,
            forecast=lambda: self._keeper.forecast(row, now),
            probes=ports.probes,
        )

    def _commit(self, row: UpgradeRow, turn: Turn, outcome: Outcome) -> None:
        now = self._clock.now()
        with self._store.transact():
            current = self._journal.find_upgrade(row.id)
            self._journal.record_entries(row.id, turn.entries.values())
            for key, value in turn.revised.items():
                self._journal.revise_json(row.id, key, value)
            self._chronicle.tell_sentences(row, turn.sentences, now)
            self._journal.record_step(
                row.id, row.step, type(outcome).__name__, describe_outcome(outcome), now, isinstance(outcome, Done)
            )
            # an abort or a decision that came while the step ran has moved the upgrade; what was done still counts
            if current and (current.step, current.state, current.generation) == (row.step, row.state, row.generation):
                self._apply(row, outcome, now)
            self._chronicle.draw_root(row.id, now)
        log.info("step", upgrade=row.id, step=row.step, outcome=type(outcome).__name__, why=describe_outcome(outcome))

    def _apply(self, row: UpgradeRow, outcome: Outcome, now: datetime) -> None:
        match outcome:
            case Done():
                self._chronicle.tell_done(row, outcome, now)
                self._move_on(row, outcome, now)
            case Waiting(held=True):
                self._keeper.hold(row, now)
            case Waiting():
                pause = min(max(outcome.retry_in, 0.0), self._pace.retry_cap, LONGEST_PAUSE.total_seconds())
                self._chronicle.tell_waiting(row, outcome, now)
                self._journal.change_upgrade(
                    row.id,
                    sentence=outcome.why,
                    due=now + timedelta(seconds=pause),
                    waiting_since=row.waiting_since,
                )
            case Ask() | Blocked():
                self._ask_person(row, outcome, now)
            case _:
                assert_never(outcome)

    def _move_on(self, row: UpgradeRow, outcome: Done, now: datetime) -> None:
        following = find_next_step(row)
        if following:
            self._journal.change_upgrade(
                row.id, step=following, due=now, waiting_since=None, sentence=outcome.sentence, remedy=""
            )
            return
        state = name_end(row)
        self._journal.change_upgrade(
            row.id, state=state, due=None, waiting_since=None, ended_at=now, sentence=outcome.sentence, remedy=""
        )

    def _ask_person(self, row: UpgradeRow, outcome: Ask | Blocked, now: datetime) -> None:
        generation = row.generation + 1
        gate = isinstance(outcome, Ask)
        expires = self._keeper.choose_expiry(row, now, self._pace.approval_life) if gate else None
        if row.state == "asking":
            self._journal.close_question(row.id, "expired")
            self._chronicle.close_card(row, "expired: no answer in time")
        self._journal.open_question(row, generation, outcome, now, expires)
        self._chronicle.tell_question(row, generation, outcome, now, expires)
        if expires:
            self._keeper.note_question(row, generation, now, expires)
        self._journal.change_upgrade(
            row.id,
            state="asking" if gate else "blocked",
            generation=generation,
            due=expires,
            waiting_since=None,
            sentence=describe_outcome(outcome),
            remedy="" if isinstance(outcome, Ask) else outcome.remedy,
        )


def find_next_step(row: UpgradeRow) -> str:
    """The step after the one the upgrade stands at, "" at the plan's end."""
    position = row.plan.index(row.step) + 1
    return row.plan[position] if position < len(row.plan) else ""
