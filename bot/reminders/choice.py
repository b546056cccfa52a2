"""Which of the reminders that are due are still of use, and where they go. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from bot.journal.rows import Question
from bot.reminders.situations import Situation
from bot.reminders.texts import describe_length
from bot.schedule.tables import Reminder

# A reminder that comes later than this was missed.
LATE = timedelta(seconds=90)
# "Starts now" is useful for this long.
STARTED = timedelta(hours=1)
# How the ids of people begin.
PEOPLE = ("U", "W")
DOWN = "The bot was down and missed the reminder"
UNREACHABLE = "Slack could not be reached in time for the reminder"
# Of several overdue reminders of one upgrade the one that says most is posted.
RANKS: Mapping[str, int] = {"before": 0, "approval": 1, "starts": 2, "ends": 3}


@dataclass(frozen=True)
class Notice:
    """One reminder for one place, with those that were not posted in time."""

    situation: Situation
    reminder: Reminder
    place: str
    missed: tuple[Reminder, ...]


def choose_notices(situation: Situation, due: Sequence[Reminder], now: datetime) -> list[Notice]:
    """Which of one upgrade's due reminders are posted: one per place, and none once the upgrade is over."""
    if situation.over:
        return []
    useful = [one for one in due if is_useful(one, situation.question, now)]
    missed = [one for one in due if one not in useful and one.kind != "approval" and now - one.due > LATE]
    if not useful:
        told = [one for one in missed if one.kind in ("starts", "ends")]
        return _address(situation, max(told, key=rank), missed, now) if told else []
    notices: list[Notice] = []
    for channel, group in groupby(sorted(useful, key=_by_channel), _by_channel):
        own = list(group)
        best = max(own, key=rank)
        passed_over = [one for one in own if one is not best and now - one.due > LATE]
        here = [one for one in missed if one.channel in ("", channel)]
        notices += _address(situation, best, [*here, *passed_over], now)
    return notices


def is_useful(reminder: Reminder, question: Question | None, now: datetime) -> bool:
    """Whether what the reminder tells of is still ahead, or under way."""
    match reminder.kind:
        case "before" | "ends":
            return reminder.moment is None or now < reminder.moment
        case "approval":
            asked = (question.step, question.generation) if question else None
            return asked == (reminder.step, reminder.generation)
        case "starts":
            return now - reminder.due <= STARTED


def describe_missed(missed: Iterable[Reminder], why: str = DOWN) -> str:
    """What was not said in time and why, "" for nothing."""
    named = dict.fromkeys(_name_missed(one) for one in missed)
    return f"{why} {', '.join(named)}." if named else ""


def rank(reminder: Reminder) -> tuple[int, datetime]:
    """How much a reminder tells, to choose one of several."""
    return RANKS[reminder.kind], reminder.due


def _address(situation: Situation, best: Reminder, missed: Sequence[Reminder], now: datetime) -> list[Notice]:
    late = [best] if now - best.due > LATE and best not in missed else []
    # a channel is the upgrade's own, wherever that was when somebody asked to be reminded again
    alone = best.channel if best.channel.startswith(PEOPLE) else situation.row.channel
    places = [alone] if best.channel else [situation.row.channel, *situation.list_people(best)]
    return [Notice(situation, best, place, (*missed, *late)) for place in dict.fromkeys(places)]


def _name_missed(reminder: Reminder) -> str:
    match reminder.kind:
        case "before":
            return f"{describe_length(reminder.moment - reminder.due)} before" if reminder.moment else "before"
        case "starts":
            return "at the start"
        case "ends":
            return "before the end"
        case "approval":
            return "of the open approval"


def _by_channel(reminder: Reminder) -> str:
    return reminder.channel
