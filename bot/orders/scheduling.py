"""The use cases of downtime: schedule, extend, snooze, and what the windows are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

from bot.clicks.orders import Extend, Schedule, Snooze, Start
from bot.clock import Clock
from bot.journal.audit import Extended, Scheduled, Snoozed
from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow
from bot.orders.targets import Refusal
from bot.orders.timetable import Timetable
from bot.schedule.keeper import Keeper
from bot.schedule.tables import Reminder, Schedules
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import mention
from bot.windows.appointments import UnclearTime, choose_zone, read_appointment, read_length, write_both
from steps.contract.wording import describe_seconds, name_phase

LONGEST_SNOOZE = timedelta(days=2)


class Scheduling:
    """Settles the clicks of downtime; each joins the transaction of its caller. Raises Refusal."""

    def __init__(
        self,
        timetable: Timetable,
        journal: Journal,
        schedules: Schedules,
        keeper: Keeper,
        chronicle: Chronicle,
        clock: Clock,
    ) -> None:
        self._timetable = timetable
        self._journal = journal
        self._schedules = schedules
        self._keeper = keeper
        self._chronicle = chronicle
        self._clock = clock

    def settle(self, order: Schedule | Extend | Snooze, by: str, start: Callable[[Start, str], str]) -> str:
        """Do what was ordered and answer the person; `start` begins an upgrade."""
        match order:
            case Schedule():
                return self._schedule(order, by, start)
            case Extend():
                return self._extend(order, by)
            case Snooze():
                return self._snooze(order, by)
            case _:
                assert_never(order)

    def _schedule(self, order: Schedule, by: str, start: Callable[[Start, str], str]) -> str:
        """Set when an upgrade may act; without an open one `start` begins it, which reads and asks at once."""
        row = self._timetable.find_row(order.target)
        cluster = self._timetable.find_cluster(row.cluster if row else order.target)
        self._timetable.check(cluster, "schedule" if row else "start", by, row)
        now = self._clock.now()
        try:
            appointment = read_appointment(order.when, now, cluster.downtime)
        except UnclearTime as unclear:
            raise Refusal(f"Nothing was scheduled. {unclear}") from unclear
        if row and row.aborted_by:
            raise Refusal(f"{row.id} is being aborted.")
        if row and self._moves_forward(row, appointment.starts):
            self._timetable.check_opening(cluster, by, row)
        if row is None:
            start(Start(order.target, order.options), by)
            row = self._timetable.find_row(order.target)
        if row is None:
            raise Refusal(f"The upgrade of {cluster.key} could not be started.")
        self._schedules.set_appointment(row.id, appointment, by, now)
        self._keeper.plan_opening(row, appointment.starts, appointment.ends, now)
        self._keeper.wake(row.id)
        self._keeper.note_times(row, now)
        sentence = f"scheduled by {mention(by)} for {appointment.describe()}"
        self._chronicle.close_reminders(row, sentence, "before", "starts", "ends")
        self._record(row, by, Scheduled("", sentence))
        self._timetable.attach_calendar(row)
        return (
            f"Scheduled {row.id} for {appointment.describe()}. It prepares, downloads, compares and asks before; it "
            f"changes nothing until then. Its thread is in <#{row.channel}>."
        )

    def _moves_forward(self, row: UpgradeRow, starts: datetime) -> bool:
        """Whether it would act sooner than those knew who approved something of it."""
        known = self._schedules.find_appointment(row.id)
        approved = any(one.kind == "gate" and one.state == "decided" for one in self._journal.list_questions(row.id))
        return approved and known is not None and starts < known.starts

    def _extend(self, order: Extend, by: str) -> str:
        """Let an upgrade act beyond its window, for a reason that stands on the record."""
        row, cluster = self._timetable.need_row(order.target)
        self._timetable.check(cluster, "extend", by, row)
        reason = order.reason.strip()
        if not reason:
            raise Refusal(f"Say why: `/asm-upgrade extend {cluster.key} {order.length or '1h'} REASON`.")
        try:
            length = read_length(order.length)
        except UnclearTime as unclear:
            raise Refusal(f"Nothing was extended. {unclear}") from unclear
        now = self._clock.now()
        freeze = cluster.downtime.find_freeze(now)
        if freeze:
            raise Refusal(f"{cluster.key} is frozen {freeze.describe()}. A freeze is lifted in clusters.toml only.")
        permit = self._keeper.find_window(row, now)
        if not permit.open:
            self._timetable.check_opening(cluster, by, row)
        until = max(permit.until if permit.open and permit.until else now, now) + length
        self._schedules.add_extension(row.id, until, by, reason, now)
        self._schedules.drop_reminders(row.id, ["ends"])
        self._keeper.wake(row.id)
        self._keeper.note_times(row, now)
        zone = choose_zone(cluster.downtime, self._schedules.find_appointment(row.id))
        when = write_both(until, zone)
        sentence = f"window {'extended' if permit.open else 'opened'} by {mention(by)} until {when}: {reason}"
        self._chronicle.close_reminders(row, sentence, "ends")
        self._record(row, by, Extended(order.reason, sentence))
        self._timetable.attach_calendar(row)
        return f"{row.id} may act until {when}."

    def _snooze(self, order: Snooze, by: str) -> str:
        """Be reminded again later, where the reminder was."""
        row, cluster = self._timetable.need_row(order.target)
        self._timetable.check(cluster, "snooze", by, row)
        reminder = self._schedules.find_reminder(order.reminder)
        if reminder is None or reminder.upgrade != row.id:
            raise Refusal("That reminder belongs to no upgrade of this bot.")
        channel = order.place or row.channel
        if channel not in (row.channel, by):
            raise Refusal("That reminder was not made for you.")
        wait = timedelta(seconds=min(max(order.seconds, 60), int(LONGEST_SNOOZE.total_seconds())))
        due = self._clock.now() + wait
        self._refuse_useless(reminder, row, due)
        self._schedules.add_reminders(
            [Reminder(0, row.id, reminder.kind, due, reminder.moment, reminder.step, reminder.generation, channel)]
        )
        self._journal.append(row.id, by, Snoozed(reminder.seq, due.isoformat()), self._clock.now())
        self._chronicle.close_reminder(
            reminder.seq, channel, f"snoozed for {describe_seconds(wait.total_seconds())} by {mention(by)}"
        )
        return ""

    def _refuse_useless(self, reminder: Reminder, row: UpgradeRow, due: datetime) -> None:
        appointment = self._schedules.find_appointment(row.id)
        extension = self._schedules.find_extension(row.id)
        if reminder.kind == "ends" and reminder.moment and extension and extension > reminder.moment:
            raise Refusal(f"Nothing to snooze: the window of {row.id} was extended meanwhile.")
        if reminder.kind in ("before", "starts") and appointment and reminder.moment != appointment.starts:
            raise Refusal(f"Nothing to snooze: {row.id} was moved meanwhile and will be reminded of at its new time.")
        if reminder.kind in ("before", "ends") and reminder.moment and due >= reminder.moment:
            what = "starts" if reminder.kind == "before" else "ends"
            raise Refusal(f"By then it is too late: the window of {row.id} {what} before. Snooze shorter.")
        if reminder.kind == "approval":
            question = self._journal.find_question(row.id, reminder.step, reminder.generation)
            if question is None or question.state != "open":
                raise Refusal(f"Nothing to snooze: {name_phase(reminder.step)} of {row.id} was decided.")

    def _record(self, row: UpgradeRow, by: str, event: Scheduled | Extended) -> None:
        now = self._clock.now()
        self._journal.append(row.id, by, event, now)
        self._chronicle.tell(row, event.said, now)
        self._chronicle.redraw_card(row)
        self._chronicle.draw_root(row.id, now)
