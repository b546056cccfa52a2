"""Posts the reminders that are due: each once, late ones only while they are of use, never too many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from bot.approvals import list_legal_actions
from bot.clock import Clock
from bot.clusters import Cluster
from bot.journal import Journal
from bot.outbox import Outbox
from bot.reminder_texts import describe_length, list_snoozes, name_reminder, write_reminder
from bot.rows import Question, UpgradeRow
from bot.schedules import Reminder, Schedules
from bot.store import Store

TICK_SECONDS = 20
A_MINUTE = timedelta(minutes=1)
# At most 30 a minute and channel; three are kept for what has to be gathered, one a tick.
MOST_A_MINUTE = 30
GATHERING_A_MINUTE = 3
# A reminder that comes later than this was missed: the bot was down.
LATE = timedelta(seconds=90)
# Of several overdue reminders of one upgrade the one that says most is posted.
RANKS: Mapping[str, int] = {"before": 0, "approval": 1, "starts": 2, "ends": 3}


@dataclass(frozen=True)
class Notice:
    """One reminder for one channel."""

    reminder: Reminder
    channel: str
    body: Mapping[str, Any] = field(hash=False)


class Reminders:
    """`tick` posts what is due into the outbox, in the transaction that settles the rows: a kill repeats nothing."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        schedules: Schedules,
        outbox: Outbox,
        clock: Clock,
        clusters: Mapping[str, Cluster],
    ) -> None:
        self._store = store
        self._journal = journal
        self._schedules = schedules
        self._outbox = outbox
        self._clock = clock
        self._clusters = clusters

    def tick(self) -> int:
        """Post what is due; answers how many messages that made."""
        now = self._clock.now()
        due = self._schedules.list_due(now)
        if not due:
            return 0
        with self._store.transact():
            notices: list[Notice] = []
            for upgrade, own in groupby(sorted(due, key=lambda one: one.upgrade), lambda one: one.upgrade):
                notices += self._choose(upgrade, list(own), now)
            return self._post(notices, now)

    def _choose(self, upgrade: str, due: Sequence[Reminder], now: datetime) -> list[Notice]:
        """What of one upgrade's due reminders is still of use; the others are settled with the reason."""
        row = self._journal.find_upgrade(upgrade)
        question = self._journal.find_open_question(upgrade)
        if row is None or row.ended_at is not None or row.aborted_by:
            self._schedules.settle_reminders((one.seq for one in due), "void", now)
            return []
        useful = [one for one in due if is_useful(one, question, now)]
        self._schedules.settle_reminders((one.seq for one in due if one not in useful), "void", now)
        missed = [one for one in due if one not in useful and one.kind != "approval" and now - one.due > LATE]
        notices = []
        for channel, own in groupby(sorted(useful, key=lambda one: one.channel), lambda one: one.channel):
            notices += self._choose_one(row, question, channel, list(own), missed, now)
        if not useful and any(one.kind in ("starts", "ends") for one in missed):
            notices += self._build(row, question, max(missed, key=_rank), "", missed, now)
        return notices

    def _choose_one(
        self,
        row: UpgradeRow,
        question: Question | None,
        channel: str,
        useful: Sequence[Reminder],
        missed: Sequence[Reminder],
        now: datetime,
    ) -> list[Notice]:
        best = max(useful, key=_rank)
        passed_over = [one for one in useful if one is not best]
        self._schedules.settle_reminders((one.seq for one in passed_over), "void", now)
        late = [one for one in passed_over if now - one.due > LATE]
        return self._build(row, question, best, channel, [*missed, *late], now)

    def _build(
        self,
        row: UpgradeRow,
        question: Question | None,
        best: Reminder,
        channel: str,
        missed: Sequence[Reminder],
        now: datetime,
    ) -> list[Notice]:
        """One notice for each channel that the reminder goes to."""
        cluster = self._clusters.get(row.cluster)
        people = sorted(cluster.policy.approvers) if cluster else []
        places = [channel] if channel else [row.channel, *people]
        if now - best.due > LATE and best not in missed:
            missed = [*missed, best]
        body = self._describe(row, question, best, people, missed, now)
        return [Notice(best, place, {**body, "place": place}) for place in dict.fromkeys(places)]

    def _describe(
        self,
        row: UpgradeRow,
        question: Question | None,
        reminder: Reminder,
        people: Sequence[str],
        missed: Sequence[Reminder],
        now: datetime,
    ) -> dict[str, Any]:
        appointment = self._schedules.find_appointment(row.id)
        text = write_reminder(reminder, row, question, people, now)
        asks = question is not None and reminder.kind in ("starts", "approval") and question.kind == "gate"
        legal = list_legal_actions(row.state, bool(row.paused_by), bool(row.aborted_by))
        return {
            "upgrade": row.id,
            "seq": reminder.seq,
            "text": text,
            "moments": _list_moments(reminder, question, appointment.ends if appointment else None),
            "missed": describe_missed(missed),
            "choices": [asdict(choice) for choice in question.choices] if question and asks else [],
            "step": question.step if question else "",
            "generation": question.generation if question else 0,
            "controls": [action for action in ("pause", "resume", "retry") if action in legal]
            if reminder.kind in ("starts", "ends")
            else [],
            "cancel": "abort" in legal,
            "cluster": row.cluster,
            "snoozes": list_snoozes(reminder, question, now),
            "closed": "",
        }

    def _post(self, notices: Sequence[Notice], now: datetime) -> int:
        posted = self._schedules.count_posted(now - A_MINUTE)
        messages, waiting = 0, set[int]()
        for channel, own in groupby(sorted(notices, key=_by_channel), lambda one: one.channel):
            messages_here = self._post_into(channel, list(own), MOST_A_MINUTE - posted.get(channel, 0), now)
            messages += messages_here
            if not messages_here:
                waiting |= {one.reminder.seq for one in own}
        done = {one.reminder.seq for one in notices}
        self._schedules.settle_reminders(sorted(done - waiting), "posted", now)
        self._narrow(notices, waiting, now)
        return messages

    def _post_into(self, channel: str, notices: Sequence[Notice], room: int, now: datetime) -> int:
        """Post one by one while there is room, and gather the rest into one message; 0 where there is none at all."""
        if room <= 0:
            return 0
        alone = room - GATHERING_A_MINUTE
        if len(notices) <= max(alone, 1):
            for one in notices:
                self._put(one, now)
            return len(notices)
        single = notices[: max(alone - 1, 0)]
        for one in single:
            self._put(one, now)
        self._gather(channel, notices[len(single) :], now)
        return len(single) + 1

    def _put(self, notice: Notice, now: datetime) -> None:
        slot = name_reminder(notice.reminder.seq, notice.channel)
        self._outbox.put_message("", "reminder", slot, notice.channel, notice.body, now)

    def _gather(self, channel: str, notices: Sequence[Notice], now: datetime) -> None:
        lines = [{"text": one.body["text"], "moments": one.body["moments"][:1]} for one in notices]
        body = {"upgrade": "", "text": f"{len(notices)} reminders at once:", "lines": lines}
        self._outbox.add_message("", "reminder", channel, body, now)

    def _narrow(self, notices: Sequence[Notice], waiting: set[int], now: datetime) -> None:
        """A reminder that some channels took and others had no room for goes on for those others alone."""
        for seq in waiting:
            own = [one for one in notices if one.reminder.seq == seq]
            left = [one for one in own if not self._outbox.has_message("", name_reminder(seq, one.channel))]
            if len(left) == len(own):
                continue
            self._schedules.settle_reminders([seq], "posted", now)
            known = own[0].reminder
            self._schedules.add_reminders(
                Reminder(
                    0, known.upgrade, known.kind, known.due, known.moment, known.step, known.generation, one.channel
                )
                for one in left
            )


def is_useful(reminder: Reminder, question: Question | None, now: datetime) -> bool:
    """Whether what the reminder tells of is still ahead, or under way."""
    match reminder.kind:
        case "before" | "ends":
            return reminder.moment is None or now < reminder.moment
        case "approval":
            return question is not None and (question.step, question.generation) == (
                reminder.step,
                reminder.generation,
            )
        case "starts":
            return now - reminder.due <= timedelta(hours=1)


def describe_missed(missed: Iterable[Reminder]) -> str:
    """What was not said in time because the bot was down, "" for nothing."""
    named = dict.fromkeys(_name_missed(one) for one in missed)
    return f"The bot was down and missed the reminder {', '.join(named)}." if named else ""


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


def _list_moments(reminder: Reminder, question: Question | None, ends: datetime | None) -> list[list[str]]:
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


def _rank(reminder: Reminder) -> tuple[int, datetime]:
    return RANKS[reminder.kind], reminder.due


def _by_channel(notice: Notice) -> str:
    return notice.channel
