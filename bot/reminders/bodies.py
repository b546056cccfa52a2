"""What the messages of reminders hold: one reminder with its buttons, or many in one message. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.people.rights import list_legal_actions
from bot.reminders.choice import DOWN, Notice, Subject, describe_missed
from bot.reminders.texts import list_snoozes, write_reminder
from bot.schedule.tables import Reminder

# So many of the reminders in one message are written out; of the others it names the upgrades.
LINES_KEPT = 30


def build_body(notice: Notice, now: datetime, why: str = DOWN) -> dict[str, Any]:
    """The body of one reminder; buttons are those that are legal now, for somebody who may press them."""
    subject, reminder = notice.subject, notice.reminder
    row, question = subject.row, subject.question
    asks = question is not None and reminder.kind in ("starts", "approval") and question.kind == "gate"
    if notice.place != row.channel and not subject.may_approve(notice.place):
        asks = False
    legal = list_legal_actions(row.state, bool(row.paused_by), bool(row.aborted_by))
    acting = reminder.kind in ("starts", "ends")
    return {
        "upgrade": row.id,
        "kind": reminder.kind,
        "seq": reminder.seq,
        "seqs": sorted({reminder.seq, *(one.seq for one in notice.missed)}),
        "text": write_reminder(reminder, row, question, subject.list_people(reminder), now),
        "moments": list_moments(reminder, subject),
        "missed": describe_missed(notice.missed, why),
        "choices": [asdict(choice) for choice in question.choices] if question and asks else [],
        "step": question.step if question else "",
        "generation": question.generation if question else 0,
        "controls": [action for action in ("pause", "resume", "retry") if acting and action in legal],
        "cancel": "abort" in legal,
        "cluster": row.cluster,
        "snoozes": list_snoozes(reminder, question, now),
        "closed": "",
        "place": notice.place,
    }


def build_gathered(notices: Sequence[Notice], now: datetime, why: str = DOWN) -> dict[str, Any]:
    """The body of one message for many reminders."""
    return {
        "upgrade": "",
        "seqs": [one.reminder.seq for one in notices],
        "text": f"{len(notices)} reminders at once:",
        "lines": [_build_line(one, now, why) for one in notices[:LINES_KEPT]],
        "others": [one.subject.row.id for one in notices[LINES_KEPT:]],
        "closed": "",
    }


def list_moments(reminder: Reminder, subject: Subject) -> list[list[str]]:
    """The moments of a reminder with their names, ISO 8601."""
    question, ends = subject.question, subject.appointment.ends if subject.appointment else None
    named = {"before": "Starts", "starts": "Starts", "ends": "Ends"}
    moments = []
    if reminder.kind in named and reminder.moment:
        moments.append([named[reminder.kind], reminder.moment.isoformat()])
    if ends and reminder.kind in ("before", "starts"):
        moments.append(["Ends", ends.isoformat()])
    if reminder.kind == "approval" and question:
        moments.append(["Asked", question.asked_at.isoformat()])
        moments += [["Expires", question.expires_at.isoformat()]] if question.expires_at else []
    return moments


def _build_line(notice: Notice, now: datetime, why: str) -> Mapping[str, Any]:
    subject, reminder = notice.subject, notice.reminder
    text = write_reminder(reminder, subject.row, subject.question, subject.list_people(reminder), now)
    missed = describe_missed(notice.missed, why)
    return {"text": f"{text} {missed}".rstrip(), "moments": list_moments(reminder, subject)[:1]}
