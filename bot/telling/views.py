"""Upgrades as people see them, read from the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from bot.clock import Clock
from bot.journal.journal import JournalView
from bot.journal.records import ENDED, Action, UpgradeState
from bot.journal.rows import UNREADABLE, Question, StepRow, UpgradeRow
from bot.people.rights import list_legal_actions
from bot.returns import COVERED, has_written
from bot.telling.waits import count_waits
from steps.contract.cards import APPROVALS, Choice
from steps.contract.ledger import EntryState, LedgerEntry, list_left_commands
from steps.gates import WAY_BACK
from steps.notes.prepare import SOURCE
from steps.plan import ABORT, LANDING, PHASES, PROPOSAL, ROLLBACK, name_phases

# Steps that are told as a line of the phase that they stand in.
LINES = frozenset({"access/bind", "access/release"})


class Views:
    """Builds an UpgradeView from the journal."""

    def __init__(self, journal: JournalView, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    def read_view(self, upgrade: str) -> UpgradeView:
        """The upgrade as Slack and the command line show it; KeyError where there is none."""
        row = self._journal.find_upgrade(upgrade)
        if row is None:
            raise KeyError(upgrade)
        return self.build_view(row)

    def has_upgrade(self, upgrade: str) -> bool:
        """Whether there is an upgrade with this id."""
        return self._journal.find_upgrade(upgrade) is not None

    def list_open(self) -> list[UpgradeView]:
        """The upgrades that are neither finished nor aborted."""
        return [self.build_view(row) for row in self._journal.list_open_upgrades()]

    def list_troubles(self) -> list[str]:
        """What Slack or a webhook does not get, a sentence each."""
        return self._journal.list_troubles()

    def list_failing_channels(self) -> list[str]:
        """The channels that Slack lets nothing be posted in, a sentence each."""
        return self._journal.list_failing_channels()

    def read_ledger(self, upgrade: str) -> tuple[LedgerEntry, ...]:
        """The pods of an upgrade."""
        return self._journal.read_ledger(upgrade)

    def list_left(self, upgrade: str) -> tuple[str, ...]:
        """What an upgrade left to do, as lines to copy."""
        return list_left_commands(self.read_ledger(upgrade))

    def build_view(self, row: UpgradeRow) -> UpgradeView:
        """The view of a row already read; where what belongs to it can't be read, with what the row itself says."""
        try:
            return self._build_view(row)
        except UNREADABLE as fault:
            return self._build_bare_view(row, str(fault))

    def _build_bare_view(self, row: UpgradeRow, fault: str) -> UpgradeView:
        """So that one damaged upgrade keeps no other from being shown."""
        return UpgradeView(
            id=row.id,
            cluster=row.cluster,
            release=row.release,
            source_version="",
            requester=row.requester,
            channel=row.channel,
            state=row.state,
            paused_by=row.paused_by,
            sentence=f"{row.sentence} ({fault})",
            remedy="Stop the bot and mend the row, or restore the journal from a backup.",
            phases=list_phases(row, []),
            question=None,
            legal=(),
            created_at=row.created_at,
            at=self._clock.now(),
            ended_at=row.ended_at,
            production=row.options.production,
            takes_back=row.takes_back,
        )

    def _build_view(self, row: UpgradeRow) -> UpgradeView:
        source = self._journal.recall(row.id, SOURCE)
        question = self._journal.find_open_question(row.id)
        questions = self._journal.list_questions(row.id)
        written = has_written(self._journal, row)
        return UpgradeView(
            id=row.id,
            cluster=row.cluster,
            release=row.release,
            source_version=str(source or ""),
            requester=row.requester,
            channel=row.channel,
            state=row.state,
            paused_by=row.paused_by,
            sentence=row.sentence,
            remedy=row.remedy,
            phases=list_phases(row, self._journal.list_steps(row.id), questions),
            question=QuestionView(
                question.step, question.generation, question.question, question.choices, question.expires_at
            )
            if question
            else None,
            legal=_list_legal(row, written),
            created_at=row.created_at,
            at=self._clock.now(),
            ended_at=row.ended_at,
            pods=self._journal.count_ledger(row.id),
            production=row.options.production,
            takes_back=row.takes_back,
            way_back=self._describe_return(row),
            times=self._journal.find_times(row.id),
            approvals=tuple(
                Approval(
                    one.step, one.choice, one.decided_by, one.decided_at, one.question if one.kind == "gate" else ""
                )
                for one in questions
            ),
            people=_measure_people(row, questions),
            written=written,
            covered_until=_find_cover_end(row, questions) if written else None,
        )

    def _describe_return(self, row: UpgradeRow) -> str:
        back = self._journal.find_return(row.id)
        return f"{back.id} ({back.state})" if back else ""


def _list_legal(row: UpgradeRow, written: bool) -> tuple[Action, ...]:
    legal = list_legal_actions(row.state, bool(row.paused_by), bool(row.aborted_by))
    return (*legal, "rollback") if written and row.state not in ENDED and not row.aborted_by else legal


def _measure_people(row: UpgradeRow, questions: Sequence[Question]) -> timedelta:
    """How long people took so far; of a question that is open that is not known yet."""
    over = questions if row.ended_at else [one for one in questions if one.decided_at]
    ended = row.ended_at or max((one.decided_at for one in over if one.decided_at), default=row.created_at)
    return timedelta(seconds=count_waits(over, row.created_at, ended))


def _find_cover_end(row: UpgradeRow, questions: Sequence[Question]) -> datetime | None:
    """Until when the approval of the control plane covers the way back; None while it is open, or where none does."""
    given = [one for one in questions if one.kind == "gate" and one.step.startswith("control-plane/")]
    covers = any(one.choice in APPROVALS and WAY_BACK in one.binding for one in given)
    return row.ended_at + COVERED if row.ended_at and covers else None


def list_phases(row: UpgradeRow, steps: list[StepRow], questions: Sequence[Question] = ()) -> tuple[PhaseView, ...]:
    """Each phase of the upgrade's plan with its state, last sentence and times."""
    shown = name_phases(row.plan)
    titles = {phase.name: phase.title for phase in (*PHASES, PROPOSAL, ABORT, ROLLBACK, LANDING)}
    return tuple(
        replace(
            _build_phase(name, titles.get(name, name), row, steps, shown),
            asked=sum((_measure(one) for one in questions if shown.get(one.step) == name), timedelta()),
        )
        for name in dict.fromkeys(shown.values())
    )


def _measure(question: Question) -> timedelta:
    """How long people took; of a question that is open that is not known yet."""
    return question.decided_at - question.asked_at if question.decided_at else timedelta()


def _build_phase(name: str, title: str, row: UpgradeRow, steps: list[StepRow], shown: Mapping[str, str]) -> PhaseView:
    planned = [step_id for step_id, phase in shown.items() if phase == name]
    own = [step for step in steps if shown.get(step.step) == name]
    done = [step for step in own if step.outcome == "Done" and step.sentence]
    state = _judge_phase(row, planned, own)
    last = [step.sentence for step in done if step.step.partition("/")[0] == name]
    return PhaseView(
        name=name,
        title=title,
        state=state,
        sentence=row.sentence if state not in ("done", "pending") else last[-1] if last else "",
        lines=tuple(step.sentence for step in done if step.step in LINES and step.step.partition("/")[0] != name),
        started_at=own[0].started_at if own else None,
        ended_at=own[-1].ended_at if own and state == "done" else None,
    )


def _judge_phase(row: UpgradeRow, planned: list[str], own: list[StepRow]) -> PhaseState:
    ended = {step.step for step in own if step.outcome == "Done"}
    if ended.issuperset(planned):
        return "done"
    if row.step not in planned or row.state in ENDED:
        return "pending"
    match row.state:
        case "asking" | "blocked" | "running":
            return row.state
        case _:
            return "running"


PhaseState: TypeAlias = Literal["pending", "running", "asking", "blocked", "done"]


@dataclass(frozen=True)
class PhaseView:
    """One phase as shown: `sentence` is its last outcome, `lines` what was bound and given back in it.

    Times are UTC, None while not reached; `asked` is for how long of it people were waited for.
    """

    name: str
    title: str
    state: PhaseState
    sentence: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    lines: tuple[str, ...] = ()
    asked: timedelta = timedelta()


@dataclass(frozen=True)
class QuestionView:
    """What a person is asked right now: a gate's question, or what to do with a blocked step."""

    step: str
    generation: int
    question: str
    choices: tuple[Choice, ...]
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Approval:
    """What people decided on a question and when; `at` is None while it is open.

    `question` is that of a gate, "" where they decided what becomes of a blocked step.
    """

    step: str
    choice: str
    by: str
    at: datetime | None
    question: str = ""


@dataclass(frozen=True)
class UpgradeView:
    """An upgrade as Slack, the command line and the exports show it.

    `legal` are the actions that the state allows, in the order in which buttons stand. `takes_back` is the upgrade that
    a way back takes back, `way_back` the one of this upgrade with its state, "" where there is none.
    `times` are those in which it may act, seen `at` that moment; `people` is for how long people were waited for.
    `written` says that there is something to take back, and `covered_until` until when an approval that was given
    covers that.
    """

    id: str
    cluster: str
    release: str
    source_version: str
    requester: str
    channel: str
    state: UpgradeState
    paused_by: str
    sentence: str
    remedy: str
    phases: tuple[PhaseView, ...]
    question: QuestionView | None
    legal: tuple[Action, ...]
    created_at: datetime
    at: datetime
    ended_at: datetime | None = None
    pods: Mapping[EntryState, int] = field(default_factory=dict)
    production: bool = True
    takes_back: str = ""
    way_back: str = ""
    times: tuple[datetime | None, datetime | None] | None = None
    approvals: tuple[Approval, ...] = ()
    people: timedelta = timedelta()
    written: bool = False
    covered_until: datetime | None = None
