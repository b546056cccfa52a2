"""What reminders say, and for how long they can be snoozed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never

from bot.journal.rows import Question, UpgradeRow
from bot.schedule.tables import Reminder
from bot.telling.phrases import mention
from steps.contract.wording import describe_seconds, name_phase

SNOOZES = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
)


def write_reminder(
    reminder: Reminder, row: UpgradeRow, question: Question | None, people: Sequence[str], now: datetime
) -> str:
    """One sentence or two; moments stand below it in the reader's own time."""
    subject = f"the upgrade {row.id} of {row.cluster} to {row.release}"
    match reminder.kind:
        case "before":
            when = f"in {describe_length(reminder.moment - now)}" if reminder.moment else "soon"
            return f"{subject} starts {when}.{_describe_question(question)}".replace("the", "The", 1)
        case "starts":
            return f"{_describe_start(reminder, now)}: {subject}.{_describe_question(question)}"
        case "ends":
            when = f"in {describe_length(reminder.moment - now)}" if reminder.moment else "soon"
            over = reminder.moment is not None and reminder.moment <= now
            ending = "has ended" if over else f"ends {when}"
            return f"The window of {row.id} {ending}. It stands at {name_phase(row.step)}: {row.sentence or row.state}."
        case "approval":
            whom = " ".join(map(mention, people))
            since = f" for {describe_length(now - question.asked_at)}" if question else ""
            asked = question.question if question else f"{name_phase(reminder.step)} of {row.id}."
            return f"{asked} It has waited for your approval{since}. {whom}".strip()
        case _:
            assert_never(reminder.kind)


def list_snoozes(reminder: Reminder, question: Question | None, now: datetime) -> list[int]:
    """For how many seconds a reminder can be snoozed and still be of use."""
    end = question.expires_at if reminder.kind == "approval" and question else None
    if reminder.kind in ("before", "ends"):
        end = reminder.moment
    limit = end if end else now + timedelta(hours=1)
    return [int(length.total_seconds()) for length in SNOOZES if now + length < limit]


def describe_length(length: timedelta) -> str:
    """A length of time, to the nearest minute."""
    return describe_seconds(60 * max(1, round(length.total_seconds() / 60)))


def _describe_start(reminder: Reminder, now: datetime) -> str:
    late = now - reminder.moment if reminder.moment else timedelta()
    return "Starts now" if late < timedelta(minutes=2) else f"Started {describe_length(late)} ago"


def _describe_question(question: Question | None) -> str:
    if question is None or question.kind != "gate":
        return ""
    return f" It waits for the approval of {name_phase(question.step)}."
