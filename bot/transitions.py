"""Every change of an upgrade's state, each one transaction of row, audit, thread and root; the commit wakes all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from bot.clock import Clock
from bot.journal.audit import (
    Aborted,
    Asked,
    Decided,
    Ended,
    EndedForWayBack,
    GlassBroken,
    Halted,
    Moved,
    Paused,
    Resumed,
    Retried,
    Started,
)
from bot.journal.journal import Journal
from bot.journal.records import BOT, ENDED, UpgradeState
from bot.journal.rows import Question, UpgradeRow, build_code, name_end
from bot.returns import Returns
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import mention, name_done
from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.notes.way_back import ORDERED_RETURN, OrderedReturn
from steps.plan import PlanKind, build_plan, is_way_back, tell_kind

Transition: TypeAlias = Literal[
    "pause",
    "resume",
    "hold",
    "go on",
    "look again",
    "wait",
    "move on",
    "end",
    "ask",
    "carry over",
    "ask again",
    "doubt",
    "decide",
    "retry",
    "abort",
    "roll back",
    "relocate",
]
# From which states each may start; `is_legal` has what pausing and aborting forbid besides.
FROM: Mapping[Transition, frozenset[UpgradeState]] = {
    "pause": frozenset({"running", "asking"}),
    "resume": frozenset({"running", "asking"}),
    "hold": frozenset({"running"}),
    "go on": frozenset({"running"}),
    "look again": frozenset({"running"}),
    "wait": frozenset({"running"}),
    "move on": frozenset({"running"}),
    "end": frozenset({"running"}),
    "ask": frozenset({"running", "asking"}),
    "carry over": frozenset({"asking"}),
    "ask again": frozenset({"asking"}),
    "doubt": frozenset({"asking", "blocked"}),
    "decide": frozenset({"asking", "blocked"}),
    "retry": frozenset({"blocked"}),
    "abort": frozenset({"running", "asking", "blocked"}),
    "roll back": frozenset({"running", "asking", "blocked"}),
    "relocate": frozenset({"running", "asking", "blocked"}),
}


class Illegal(Exception):
    """The upgrade's state doesn't allow this; the caller should have looked first."""


@dataclass(frozen=True)
class Taken:
    """The choice that decides a question.

    `names` are those who took it together, "" for `by` alone; `announced` is told where somebody broke the glass,
    to each directly where the card is `unseen` as its channel takes nothing, or where a person chose the channel.
    """

    question: Question
    choice: str
    by: str
    reason: str
    names: str = ""
    announced: str = ""
    unseen: bool = False


def is_legal(transition: Transition, row: UpgradeRow) -> bool:
    """Whether the upgrade's state allows this change."""
    if row.state not in FROM[transition]:
        return False
    match transition:
        case "pause":
            return not row.paused_by and not row.aborted_by
        case "resume":
            return bool(row.paused_by) and not row.aborted_by
        case "decide":
            return not row.paused_by
        case "abort":
            return row.state == "blocked" or not row.aborted_by
        case "roll back":
            return not row.aborted_by and not is_way_back(row.plan)
        case _:
            return True


def is_landing(row: UpgradeRow) -> bool:
    """Whether the upgrade is being taken back and what it runs may end first."""
    return row.state not in ENDED and tell_kind(row.plan) == "landing"


def find_next_step(row: UpgradeRow) -> str:
    """The step after the one the upgrade stands at, "" at the plan's end."""
    position = row.plan.index(row.step) + 1
    return row.plan[position] if position < len(row.plan) else ""


class Transitions:
    """Changes upgrades. Each method joins the transaction of its caller or is one of its own; raises Illegal."""

    def __init__(self, journal: Journal, returns: Returns, chronicle: Chronicle, clock: Clock) -> None:
        self._journal = journal
        self._returns = returns
        self._chronicle = chronicle
        self._clock = clock

    def start(self, row: UpgradeRow, sentence: str) -> None:
        """Begin an upgrade; its root message and the first sentence of its thread."""
        now = self._clock.now()
        with self._journal.transact():
            self._add(replace(row, due=self._journal.find_free_moment(row, now)), Started(row.release), sentence, now)

    def pause(self, row: UpgradeRow, by: str, reason: str) -> None:
        """Start nothing more until resumed."""
        with self._change(row, "pause") as now:
            self._journal.change_upgrade(row.id, paused_by=by)
            self._journal.append(row.id, by, Paused(row.step, reason), now)
            self._chronicle.tell(row, f"paused by {mention(by)}; a program that already runs is let end", now)
            self._chronicle.close_reminders(row, f"paused by {mention(by)}", "starts", "ends")
            self._chronicle.redraw_card(row)

    def resume(self, row: UpgradeRow, by: str, reason: str) -> None:
        """Go on; time in which it was paused is no waiting."""
        with self._change(row, "resume") as now:
            due = now if row.state == "running" else row.due
            self._journal.change_upgrade(row.id, paused_by="", waiting_since=None, due=due)
            self._journal.append(row.id, by, Resumed(row.step, reason), now)
            self._chronicle.tell(row, f"resumed by {mention(by)}", now)
            self._chronicle.close_reminders(row, f"resumed by {mention(by)}", "starts", "ends")
            self._chronicle.redraw_card(row)

    def hold(self, row: UpgradeRow, until: datetime | None, sentence: str, told: str) -> None:
        """Wait until its window opens; `told` is for the thread, "" if it was held before."""
        with self._change(row, "hold") as now:
            due = self._journal.find_free_moment(row, until) if until else None
            self._journal.change_upgrade(row.id, due=due, waiting_since=None, sentence=sentence)
            if told:
                self._chronicle.tell(row, told, now)
                self._chronicle.close_reminders(row, sentence, "ends")

    def go_on(self, row: UpgradeRow, sentence: str) -> None:
        """The window that it was held for is open."""
        with self._change(row, "go on") as now:
            self._chronicle.tell(row, sentence, now)

    def look_again(self, row: UpgradeRow) -> None:
        """Have its step run, or its window judged, at the next turn."""
        with self._change(row, "look again") as now:
            self._journal.change_upgrade(row.id, due=now)

    def wait(self, row: UpgradeRow, outcome: Waiting, due: datetime) -> None:
        """Run the step again at that time; to wait for a place is no waiting."""
        since = None if outcome.queued else row.waiting_since
        with self._change(row, "wait") as now:
            self._chronicle.tell_waiting(row, outcome, now)
            self._journal.change_upgrade(row.id, sentence=outcome.why, due=due, waiting_since=since)

    def set_aside(self, row: UpgradeRow, sentence: str, due: datetime) -> None:
        """Look at it again at that time, in whatever state; nothing is told, which is what could not be done."""
        self._journal.change_upgrade(row.id, due=due, sentence=sentence)

    def move_on(self, row: UpgradeRow, outcome: Done) -> None:
        """Stand at the next step of the plan, or end where there is none."""
        following = find_next_step(row)
        if not following:
            self.end(row, outcome)
            return
        with self._change(row, "move on") as now:
            self._chronicle.tell_done(row, outcome, now)
            self._journal.change_upgrade(
                row.id, step=following, due=now, waiting_since=None, sentence=outcome.sentence, remedy=""
            )

    def end(self, row: UpgradeRow, outcome: Done) -> None:
        """The plan is through."""
        result = name_end(row)
        with self._change(row, "end") as now:
            head = self._journal.append(row.id, BOT, Ended(result, outcome.sentence), now)
            self._chronicle.tell_done(row, outcome, now, head)
            self._journal.change_upgrade(
                row.id,
                state=result,
                due=None,
                waiting_since=None,
                ended_at=now,
                sentence=outcome.sentence,
                remedy="",
            )
            self._journal.close_chain(row.id, now)
            ordered = self._journal.recall(row.id, ORDERED_RETURN) if result == "rolled back" else None
            if ordered is not None:
                self.begin_return(row, ordered.by, ordered.reason)

    def ask(self, row: UpgradeRow, outcome: Ask | Blocked, expires: datetime | None) -> None:
        """Put a question to people; one that is still open is closed as expired."""
        gate, generation = isinstance(outcome, Ask), row.generation + 1
        with self._change(row, "ask") as now:
            if row.state == "asking":
                self._journal.close_question(row.id, "expired")
                self._chronicle.close_card(row, "expired: no answer in time", now)
            self._journal.open_question(row, generation, outcome, now, expires)
            shown = self._chronicle.tell_question(row, generation, outcome, now, expires)
            self._journal.append(row.id, BOT, _describe_asked(row, generation, outcome, shown), now)
            self._journal.change_upgrade(
                row.id,
                state="asking" if gate else "blocked",
                generation=generation,
                due=expires,
                waiting_since=None,
                sentence=outcome.question if isinstance(outcome, Ask) else outcome.why,
                remedy="" if isinstance(outcome, Ask) else outcome.remedy,
            )

    def carry_over(self, row: UpgradeRow) -> None:
        """The window closed on a question that people had little time for: its step asks anew, for the next window."""
        with self._change(row, "carry over") as now:
            self._journal.close_question(row.id, "expired")
            how = "the window has closed: asked again for the next one"
            self._chronicle.close_card(row, how, now)
            self._run_on(row, how, now)

    def ask_again(self, row: UpgradeRow) -> None:
        """Nobody answered, and the upgrade can't be left where it stands: its step asks anew, and all are called."""
        with self._change(row, "ask again") as now:
            self._journal.close_question(row.id, "expired")
            how = "expired: no answer in time, asked again"
            self._chronicle.close_card(row, how, now)
            self._chronicle.call_everybody(row, now)
            self._run_on(row, how, now)

    def doubt(self, row: UpgradeRow) -> None:
        """Nobody can decide on a record that the bot can't have written: that is asked about before anything else."""
        with self._change(row, "doubt") as now:
            self._journal.close_question(row.id, "voided")
            how = "undecided: the journal itself is in doubt"
            self._chronicle.close_card(row, how, now)
            self._run_on(row, how, now)

    def decide(self, row: UpgradeRow, taken: Taken) -> bool:
        """Go on with the choice of a question; False where somebody else has decided it before."""
        question, reason = taken.question, taken.reason
        with self._change(row, "decide") as now:
            if not self._journal.decide_question(question, taken.choice, taken.by, reason, now):
                return False
            how = f"{name_done(taken.choice)} by {taken.names or f'<@{taken.by}>'}"
            self._run_on(row, how, now)
            shown = self._chronicle.digest_card(row)
            known = (row.step, row.generation, question.digest, reason, question.code, shown)
            event = GlassBroken(*known) if taken.announced else Decided(taken.choice, *known)
            head = self._journal.append(row.id, taken.by, event, now)
            if taken.announced:
                self._chronicle.tell(row, taken.announced, now)
                if why := f"as <#{row.channel}> takes nothing" if taken.unseen else self._describe_move(row):
                    self._chronicle.tell_directly(row, taken.announced, why, now)
            self._chronicle.close_card(row, f"{how}: {reason}" if reason else how, now, head)
            return True

    def retry(self, row: UpgradeRow, question: Question, by: str, reason: str) -> None:
        """Run the blocked step again."""
        with self._change(row, "retry") as now:
            how = f"retried by {mention(by)}"
            self._journal.decide_question(question, "retry", by, reason, now)
            self._run_on(row, how, now)
            event = Retried(row.step, row.generation, question.code, self._chronicle.digest_card(row))
            head = self._journal.append(row.id, by, event, now)
            self._chronicle.close_card(row, how, now, head)

    def abort(self, row: UpgradeRow, by: str, reason: str) -> None:
        """Start nothing more and clean up; where cleaning up is what blocks, end as it is."""
        how = f"aborted by {mention(by)}"
        with self._change(row, "abort") as now:
            head = self._journal.append(row.id, by, Aborted(row.step, reason), now)
            self._close(row, how, now, head)
            self._chronicle.tell(row, f"{how}: {reason}" if reason else how, now)
            if row.aborted_by:
                self._journal.append(row.id, BOT, Ended("aborted", how), now)
                self._journal.change_upgrade(row.id, state="aborted", due=None, ended_at=now, sentence=how, remedy="")
                self._journal.close_chain(row.id, now)
            else:
                self._end_by(row, "abort", by, how, now)

    def roll_back(self, row: UpgradeRow, by: str, reason: str) -> None:
        """Start nothing more and let what runs land; then the upgrade ends, and its way back begins."""
        how = f"taken back by {mention(by)}"
        with self._change(row, "roll back") as now:
            self._journal.revise_json(row.id, ORDERED_RETURN.key, ORDERED_RETURN.write(OrderedReturn(by, reason)))
            head = self._journal.append(row.id, by, EndedForWayBack(row.step, reason), now)
            self._close(row, how, now, head)
            self._chronicle.tell(row, f"{how}: {reason}; a program that already runs is let end", now)
            self._end_by(row, "landing", by, how, now)

    def relocate(self, row: UpgradeRow, channel: str, by: str) -> None:
        """Go on in another channel; the audit keeps both places."""
        with self._change(row, "relocate") as now:
            self._journal.change_upgrade(row.id, channel=channel)
            self._journal.append(row.id, by, Moved(row.channel, self._chronicle.find_root(row.id), channel), now)
            self._chronicle.move_thread(row, channel, by, now)
            if row.state == "asking" and not self._chronicle.digest_card(row):
                self._journal.close_question(row.id, "voided")
                self._run_on(row, "asked anew, as its card can't be read", now)

    def _describe_move(self, row: UpgradeRow) -> str:
        """That a person chose the channel, in which others may not be; "" where nobody did."""
        return f"as it was moved to <#{row.channel}>" if self._journal.was_moved(row) else ""

    def begin_return(self, row: UpgradeRow, by: str, reason: str) -> UpgradeRow:
        """Begin the way back of an upgrade that has ended: an upgrade of its own, linked to it."""
        now = self._clock.now()
        with self._journal.transact():
            back = self._returns.build_return(row, by, now)
            sentence = f"going back to {back.release}, where {row.id} came from: {reason}; ordered by {mention(by)}"
            self._add(back, Started(back.release, row.id, reason), sentence, now)
            self._returns.note_return(row, back, now)
            self._chronicle.close_return(row.id)
            self._chronicle.draw_root(row.id, now)
            return back

    def _add(self, row: UpgradeRow, event: Started, sentence: str, now: datetime) -> None:
        self._journal.add_upgrade(row)
        self._journal.append(row.id, row.requester, event, now)
        self._chronicle.draw_root(row.id, now)
        told = self._chronicle.tell if row.takes_back else self._chronicle.note
        told(row, sentence, now)

    def _close(self, row: UpgradeRow, how: str, now: datetime, head: str) -> None:
        self._journal.close_question(row.id, "voided")
        self._chronicle.close_card(row, how, now, head)
        self._chronicle.close_reminders(row, how)
        self._chronicle.close_progress(row)

    def _run_on(self, row: UpgradeRow, how: str, now: datetime) -> None:
        """What was asked is over: whoever looks before the step has run reads how it ended, no more the question."""
        self._journal.change_upgrade(row.id, state="running", due=now, waiting_since=None, sentence=how, remedy="")

    def _end_by(self, row: UpgradeRow, kind: PlanKind, by: str, how: str, now: datetime) -> None:
        # a step that its plan lacks was written by somebody else
        reached = row.plan.index(row.step) + 1 if row.step in row.plan else len(row.plan)
        begun, ending = row.plan[:reached], build_plan(kind, row.options)
        self._journal.change_upgrade(
            row.id,
            aborted_by=by,
            paused_by="",
            state="running",
            plan=begun + ending,
            step=ending[0],
            due=now,
            waiting_since=None,
            sentence=how,
            remedy="",
        )

    @contextmanager
    def _change(self, row: UpgradeRow, transition: Transition) -> Iterator[datetime]:
        """One transaction that ends with the root message drawn again; gives the time of all that is in it."""
        if not is_legal(transition, row):
            raise Illegal(f"{transition} {row.id}: {row.state}, paused {row.paused_by!r}, aborted {row.aborted_by!r}")
        now = self._clock.now()
        with self._journal.transact():
            yield now
            self._chronicle.draw_root(row.id, now)
            if row.takes_back:
                self._chronicle.draw_root(row.takes_back, now)


def _describe_asked(row: UpgradeRow, generation: int, outcome: Ask | Blocked, shown: str) -> Asked | Halted:
    digest = outcome.digest if isinstance(outcome, Ask) else ""
    code = build_code(row.id, row.step, generation, digest)
    if isinstance(outcome, Ask):
        return Asked(row.step, generation, digest, outcome.question, code, shown)
    return Halted(row.step, generation, outcome.why, outcome.remedy, code, shown)
