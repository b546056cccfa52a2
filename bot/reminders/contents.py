"""What the messages of reminders hold: one reminder with its buttons, or many in one message. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.journal.bodies import ControlName, GatheredBody, GatheredLine, Moment, ReminderBody
from bot.journal.records import Action
from bot.journal.rows import Question
from bot.people.rights import list_legal_actions
from bot.reminders.choice import DOWN, PEOPLE, Notice, describe_missed
from bot.reminders.situations import Situation
from bot.reminders.texts import list_snoozes, write_reminder
from bot.schedule.tables import Reminder
from steps.contract.wording import count_things

# So many of the reminders in one message are written out; of the others it names the upgrades.
LINES_KEPT = 30


def build_reminder(notice: Notice, now: datetime, why: str = DOWN) -> ReminderBody:
    """The body of one reminder; buttons are those that are legal now, for somebody who may press them."""
    situation, reminder = notice.situation, notice.reminder
    row, question = situation.row, situation.question
    legal = list_legal_actions(row.state, bool(row.paused_by), bool(row.aborted_by))
    return ReminderBody(
        upgrade=row.id,
        kind=reminder.kind,
        seq=reminder.seq,
        seqs=tuple(sorted({reminder.seq, *(one.seq for one in notice.missed)})),
        text=write_reminder(reminder, row, question, list_mentioned(notice), now),
        moments=list_moments(reminder, situation),
        missed=describe_missed(notice.missed, why),
        choices=question.choices if question and _asks(notice, question) else (),
        step=question.step if question else "",
        generation=question.generation if question else 0,
        controls=_list_controls(reminder, legal),
        cancel="abort" in legal,
        cluster=row.cluster,
        snoozes=tuple(list_snoozes(reminder, question, now)),
        place=notice.place,
        card=situation.card,
    )


def build_gathered(notices: Sequence[Notice], now: datetime, why: str = DOWN) -> GatheredBody:
    """The body of one message for many reminders."""
    return GatheredBody(
        seqs=tuple(one.reminder.seq for one in notices),
        text=f"{count_things(len(notices), 'reminder')} at once:",
        lines=tuple(_build_line(one, now, why) for one in notices[:LINES_KEPT]),
        others=tuple(one.situation.row.id for one in notices[LINES_KEPT:]),
    )


def list_mentioned(notice: Notice) -> list[str]:
    """Whom a reminder mentions: in the channel, where each may be told besides; whoever is written to knows it."""
    return [] if notice.place.startswith(PEOPLE) else notice.situation.list_people(notice.reminder)


def list_moments(reminder: Reminder, situation: Situation) -> tuple[Moment, ...]:
    """The moments of a reminder with their names."""
    question, ends = situation.question, situation.appointment.ends if situation.appointment else None
    named = {"before": "Starts", "starts": "Starts", "ends": "Ends"}
    moments = []
    if reminder.kind in named and reminder.moment:
        moments.append(Moment(named[reminder.kind], reminder.moment))
    if ends and reminder.kind in ("before", "starts"):
        moments.append(Moment("Ends", ends))
    if reminder.kind == "approval" and question:
        moments.append(Moment("Asked", question.asked_at))
        moments += [Moment("Expires", question.expires_at)] if question.expires_at else []
    return tuple(moments)


def _asks(notice: Notice, question: Question) -> bool:
    """Whether the reminder carries the question's buttons: for all in the channel, in private for an approver."""
    if notice.reminder.kind not in ("starts", "approval") or question.kind != "gate":
        return False
    return notice.place == notice.situation.row.channel or notice.situation.may_approve(notice.place)


def _list_controls(reminder: Reminder, legal: Sequence[Action]) -> tuple[ControlName, ...]:
    if reminder.kind not in ("starts", "ends"):
        return ()
    controls: tuple[ControlName, ...] = ("pause", "resume", "retry")
    return tuple(control for control in controls if control in legal)


def _build_line(notice: Notice, now: datetime, why: str) -> GatheredLine:
    situation, reminder = notice.situation, notice.reminder
    text = write_reminder(reminder, situation.row, situation.question, list_mentioned(notice), now)
    missed = describe_missed(notice.missed, why)
    return GatheredLine(f"{text} {missed}".rstrip(), list_moments(reminder, situation)[:1], situation.card)
