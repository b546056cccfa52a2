"""Which of the reminders that are due are still of use, and where they go. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from bot.journal.rows import Question, UpgradeRow
from bot.people.rights import refuse_person
from bot.reminders.texts import describe_length
from bot.schedule.tables import Reminder
from bot.settings.policy import Policy
from bot.windows.appointments import Appointment

# A reminder that comes later than this was missed.
LATE = timedelta(seconds=90)
# "Starts now" is of use for so long.
STARTED = timedelta(hours=1)
DOWN = "The bot was down and missed the reminder"
UNREACHABLE = "Slack could not be reached in time for the reminder"
# Of several overdue reminders of one upgrade the one that says most is posted.
RANKS: Mapping[str, int] = {"before": 0, "approval": 1, "starts": 2, "ends": 3}


@dataclass(frozen=True)
class Subject:
    """What is known about an upgrade that people are reminded of."""

    row: UpgradeRow
    question: Question | None
    appointment: Appointment | None
    policy: Policy | None

    @property
    def over(self) -> bool:
        """Whether there is nothing to remind of any more."""
        return self.row.ended_at is not None or bool(self.row.aborted_by)

    def may_approve(self, user: str) -> bool:
        """Whether the policy lets this person approve the upgrade."""
        return self.policy is not None and not refuse_person(self.policy, "approve", user, self.row.requester, True)

    def list_people(self, reminder: Reminder) -> list[str]:
        """The approvers; of a waiting approval those who may give it."""
        people = sorted(self.policy.approvers) if self.policy else []
        return [user for user in people if reminder.kind != "approval" or self.may_approve(user)]


@dataclass(frozen=True)
class Notice:
    """One reminder for one place, with those that were not posted in time."""

    subject: Subject
    reminder: Reminder
    place: str
    missed: tuple[Reminder, ...]


def choose_notices(subject: Subject, due: Sequence[Reminder], now: datetime) -> list[Notice]:
    """What of one upgrade's due reminders is posted: one a place, and nothing where it is over."""
    if subject.over:
        return []
    useful = [one for one in due if is_useful(one, subject.question, now)]
    missed = [one for one in due if one not in useful and one.kind != "approval" and now - one.due > LATE]
    if not useful:
        told = [one for one in missed if one.kind in ("starts", "ends")]
        return _address(subject, max(told, key=rank), missed, now) if told else []
    notices: list[Notice] = []
    for channel, group in groupby(sorted(useful, key=_by_channel), _by_channel):
        own = list(group)
        best = max(own, key=rank)
        passed_over = [one for one in own if one is not best and now - one.due > LATE]
        here = [one for one in missed if one.channel in ("", channel)]
        notices += _address(subject, best, [*here, *passed_over], now)
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
    """How much a reminder says."""
    return RANKS[reminder.kind], reminder.due


def _address(subject: Subject, best: Reminder, missed: Sequence[Reminder], now: datetime) -> list[Notice]:
    late = [best] if now - best.due > LATE and best not in missed else []
    places = [best.channel] if best.channel else [subject.row.channel, *subject.list_people(best)]
    return [Notice(subject, best, place, (*missed, *late)) for place in dict.fromkeys(places)]


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
