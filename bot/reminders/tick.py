"""Posts the reminders that are due: each once, late ones only while they are of use, never too many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeVar

from bot.clock import Clock
from bot.incidents import note_incident
from bot.journal.bodies import Message, ReminderBody, Reminding
from bot.journal.outbox import Outbox, name_reminder
from bot.journal.store import Store, StoreBroken
from bot.reminders.choice import LATE, PEOPLE, UNREACHABLE, Notice, choose_notices
from bot.reminders.contents import build_gathered, build_reminder
from bot.reminders.situations import Situations
from bot.schedule.tables import Reminder, Schedules
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy

TICK_SECONDS = 10
A_MINUTE = timedelta(minutes=1)
# At most 30 a minute and channel; some are kept for what has to be gathered, one a tick.
MOST_A_MINUTE = 30
GATHERING_A_MINUTE = 60 // TICK_SECONDS
# So that one tick stays short; six ticks a minute still serve 1,000 upgrades that start at the same moment.
UPGRADES_A_TICK = 170
# What an earlier reminder says once a later one of its upgrade stands in the same place.
FOLLOWED = "a later reminder follows"

T = TypeVar("T", str, Message)


class Reminders:
    """`tick` posts what is due into the outbox, in the transaction that settles the rows: a kill repeats nothing."""

    def __init__(
        self,
        store: Store,
        schedules: Schedules,
        outbox: Outbox,
        clock: Clock,
        clusters: Mapping[str, Cluster],
    ) -> None:
        self._store = store
        self._schedules = schedules
        self._outbox = outbox
        self._clock = clock
        self._situations = Situations(store, clusters)

    def tick(self) -> int:
        """Post what is due; answers how many messages that made."""
        now = self._clock.now()
        unsent = self._outbox.list_unsent_reminders()
        if any(now - message.created_at > LATE for message in unsent):
            _handle_apart(unsent, lambda rows: self._renew_unsent(rows, now), self._drop_unsent)
        upgrades = self._schedules.list_due_upgrades(now, UPGRADES_A_TICK)
        return _handle_apart(
            upgrades, lambda rows: self._post_due(rows, now), lambda one, fault: self._void(one, fault, now)
        )

    def _void(self, upgrade: str, fault: Exception, now: datetime) -> None:
        """The reminders of an upgrade that the bot itself fails at are of no use."""
        note_incident("reminders_failed", fault, upgrade=upgrade)
        self._schedules.void_due(upgrade, now)

    def _drop_unsent(self, message: Message, fault: Exception) -> None:
        incident = note_incident("reminder_failed", fault, message=message.id)
        self._outbox.drop_message(message.id, f"a fault of the bot itself (incident {incident})")

    def _post_due(self, upgrades: Sequence[str], now: datetime) -> int:
        policies = self._situations.read_policies(upgrades)
        with self._store.transact():
            self._schedules.void_unreadable(now)
            due = self._schedules.list_due(now, upgrades)
            notices = self._choose(due, policies, now)
            told = {one.reminder.seq for one in notices}
            self._schedules.settle_reminders([one.seq for one in due if one.seq not in told], "void", now)
            return self._post(notices, now)

    def _choose(self, due: Sequence[Reminder], policies: Mapping[str, Policy], now: datetime) -> list[Notice]:
        """Which of the due reminders are still of use."""
        situations = self._situations.read({one.upgrade for one in due}, policies)
        notices: list[Notice] = []
        for upgrade, own in groupby(sorted(due, key=_by_upgrade), _by_upgrade):
            if upgrade in situations:
                notices += choose_notices(situations[upgrade], list(own), now)
        return notices

    def _post(self, notices: Sequence[Notice], now: datetime) -> int:
        posted = self._schedules.count_posted(now - A_MINUTE, now)
        messages, waiting = 0, set[int]()
        for place, group in groupby(sorted(notices, key=_by_place), _by_place):
            own = list(group)
            messages_here = self._post_into(place, own, MOST_A_MINUTE - posted.get(place, 0), now)
            messages += messages_here
            if not messages_here:
                waiting |= {one.reminder.seq for one in own}
        done = {one.reminder.seq for one in notices}
        self._schedules.settle_reminders(sorted(done - waiting), "posted", now)
        self._narrow(notices, waiting, now)
        return messages

    def _post_into(self, place: str, notices: Sequence[Notice], room: int, now: datetime) -> int:
        """Post one by one while there is room, and gather the rest into one message; 0 where there is none at all."""
        if room <= 0:
            return 0
        # a person is called once for what comes at the same moment; in a channel each has its buttons
        alone = 1 if place.startswith(PEOPLE) else room - GATHERING_A_MINUTE
        if len(notices) <= max(alone, 1):
            for one in notices:
                self._put(one, build_reminder(one, now), now)
            return len(notices)
        single = notices[: max(alone - 1, 0)]
        for one in single:
            self._put(one, build_reminder(one, now), now)
        gathered = notices[len(single) :]
        for one in gathered:
            self._close_earlier(one)
        self._outbox.add_message("", place, build_gathered(gathered, now), now)
        return len(single) + 1

    def _put(self, notice: Notice, body: ReminderBody, now: datetime) -> None:
        self._close_earlier(notice)
        slot = name_reminder(notice.reminder.seq, notice.place)
        self._outbox.put_message("", slot, notice.place, body, now)

    def _close_earlier(self, notice: Notice) -> None:
        """The upgrade's other reminders in that place lose their buttons."""
        known = self._schedules.list_reminders(notice.reminder.upgrade)
        earlier = (one.seq for one in known if one.seq != notice.reminder.seq)
        self._outbox.close_followed(earlier, notice.place, FOLLOWED)

    def _narrow(self, notices: Sequence[Notice], waiting: set[int], now: datetime) -> None:
        """A reminder that some places took and others had no room for goes on for those others alone."""
        for seq in waiting:
            own = [one for one in notices if one.reminder.seq == seq]
            left = [one for one in own if not self._outbox.has_message("", name_reminder(seq, one.place))]
            if len(left) == len(own):
                continue
            self._schedules.settle_reminders([seq], "posted", now)
            known = own[0].reminder
            self._schedules.add_reminders(
                Reminder(0, known.upgrade, known.kind, known.due, known.moment, known.step, known.generation, one.place)
                for one in left
            )

    def _renew_unsent(self, unsent: Sequence[Message], now: datetime) -> int:
        """What Slack did not take in time is chosen and written anew, so that it is told once and as it is then."""
        told = self._schedules.read_reminders(seq for message in unsent for seq in _list_seqs(message))
        policies = self._situations.read_policies({one.upgrade for one in told})
        with self._store.transact():
            for place, group in groupby(sorted(unsent, key=_by_channel), _by_channel):
                self._renew_place(place, list(group), policies, now)
        return len(unsent)

    def _renew_place(
        self, place: str, messages: Sequence[Message], policies: Mapping[str, Policy], now: datetime
    ) -> None:
        owners = {seq: message for message in messages for seq in _list_seqs(message)}
        known = self._schedules.read_reminders(owners)
        here = [replace(one, channel=place) for one in known]
        chosen: dict[str, list[Notice]] = {message.id: [] for message in messages}
        for notice in self._choose(here, policies, now):
            chosen[owners[notice.reminder.seq].id].append(notice)
        for message in messages:
            notices = chosen[message.id]
            if not notices:
                self._outbox.drop_message(message.id, "of no use any more when Slack could be reached")
            elif len(notices) == 1 and not message.slot and not message.attempts:
                # one alone is told as one alone, which its decision closes
                self._outbox.drop_message(message.id, "")
                self._put(notices[0], build_reminder(notices[0], now, UNREACHABLE), now)
            elif message.slot:
                self._outbox.rewrite_message(message.id, build_reminder(notices[0], now, UNREACHABLE))
            else:
                self._outbox.rewrite_message(message.id, build_gathered(notices, now, UNREACHABLE))


def _handle_apart(
    rows: Sequence[T], handle: Callable[[Sequence[T]], int], give_up: Callable[[T, Exception], None]
) -> int:
    """Handle rows together; where the bot itself fails at them, each alone, so that only the bad ones are given up."""
    if not rows:
        return 0
    try:
        return handle(rows)
    except StoreBroken:
        raise
    except Exception as fault:
        if len(rows) > 1:
            return sum(_handle_apart([row], handle, give_up) for row in rows)
        give_up(rows[0], fault)
        return 0


def _list_seqs(message: Message) -> list[int]:
    if isinstance(message.body, Reminding):
        return list(message.body.seqs)
    raise ValueError(f"the message {message.id} is no reminder: {message.body}")


def _by_upgrade(reminder: Reminder) -> str:
    return reminder.upgrade


def _by_place(notice: Notice) -> str:
    return notice.place


def _by_channel(message: Message) -> str:
    return message.channel
