"""The use cases of downtime: schedule, extend, snooze, and what the windows are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from bot.clicks.orders import Extend, Schedule, Snooze, Start
from bot.clock import Clock
from bot.journal.audit import Extended, Scheduled, Snoozed
from bot.journal.journal import Journal
from bot.journal.records import Action
from bot.journal.rows import UpgradeRow
from bot.orders.targets import Refusal
from bot.people.rights import refuse_person
from bot.schedule.agenda import Section, build_agenda
from bot.schedule.calendar import Calendar, choose_cluster
from bot.schedule.calendar_files import write_upgrade
from bot.schedule.keeper import Keeper
from bot.schedule.tables import Reminder, Schedules
from bot.settings.clusters import Cluster
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import list_names
from bot.windows.appointments import (
    Appointment,
    Unclear,
    Written,
    read_appointment,
    read_length,
    write_length,
    write_local,
    write_span,
)
from bot.windows.permits import choose_zone
from steps.contract.cards import Attachment

LONGEST_SNOOZE = timedelta(days=2)
LISTED = timedelta(days=14)
OPENINGS_SHOWN = 5


class Scheduling:
    """Settles the clicks of downtime; each joins the transaction of its caller. Raises Refusal."""

    def __init__(
        self,
        journal: Journal,
        schedules: Schedules,
        keeper: Keeper,
        chronicle: Chronicle,
        clock: Clock,
        clusters: Mapping[str, Cluster],
    ) -> None:
        self._journal = journal
        self._schedules = schedules
        self._keeper = keeper
        self._chronicle = chronicle
        self._clock = clock
        self._clusters = clusters
        self._calendar = Calendar(journal, schedules, clusters)

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
        row = self._find_row(order.target)
        cluster = self._find_cluster(row.cluster if row else order.target)
        self._check(cluster, "schedule" if row else "start", by, row)
        now = self._clock.now()
        try:
            appointment = read_appointment(order.when, now, cluster.downtime)
        except Unclear as unclear:
            raise Refusal(f"Nothing was scheduled. {unclear}") from unclear
        if row and row.aborted_by:
            raise Refusal(f"{row.id} is being aborted.")
        if row is None:
            start(Start(order.target, order.options), by)
            row = self._find_row(order.target)
        if row is None:
            raise Refusal(f"The upgrade of {cluster.key} could not be started.")
        self._schedules.set_appointment(row.id, appointment, by, now)
        self._keeper.plan_opening(row, appointment.starts, appointment.ends, now)
        self._keeper.wake(row.id)
        sentence = f"scheduled by <@{by}> for {appointment.describe()}"
        self._chronicle.close_reminders(row, sentence, "before", "starts", "ends")
        self._record(row, by, Scheduled("", sentence))
        self.attach_calendar(row)
        return (
            f"Scheduled {row.id} for {appointment.describe()}. It prepares and asks before; it changes nothing until "
            f"then. Its thread is in <#{cluster.channel}>."
        )

    def _extend(self, order: Extend, by: str) -> str:
        """Let an upgrade act beyond its window, for a reason that stands on the record."""
        row, cluster = self._need_row(order.target)
        self._check(cluster, "extend", by, row)
        reason = order.reason.strip()
        if not reason:
            raise Refusal(f"Say why: `/asm-upgrade extend {cluster.key} {order.length or '1h'} REASON`.")
        try:
            length = read_length(order.length)
        except Unclear as unclear:
            raise Refusal(f"Nothing was extended. {unclear}") from unclear
        now = self._clock.now()
        freeze = cluster.downtime.find_freeze(now)
        if freeze:
            raise Refusal(f"{cluster.key} is frozen {freeze.describe()}. A freeze is lifted in clusters.toml only.")
        permit = self._keeper.find_window(row, now)
        until = max(permit.until if permit.open and permit.until else now, now) + length
        self._schedules.add_extension(row.id, until, by, reason, now)
        self._schedules.drop_reminders(row.id, ["ends"])
        self._keeper.wake(row.id)
        zone = choose_zone(cluster.downtime, self._schedules.find_appointment(row.id))
        when = write_local(until, zone)
        sentence = f"window extended by <@{by}> until {when}: {reason}"
        self._chronicle.close_reminders(row, sentence, "ends")
        self._record(row, by, Extended(order.reason, sentence))
        self.attach_calendar(row)
        return f"{row.id} may act until {when}."

    def _snooze(self, order: Snooze, by: str) -> str:
        """Be reminded again later, where the reminder was."""
        row, cluster = self._need_row(order.target)
        self._check(cluster, "snooze", by, row)
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
        self._chronicle.close_reminder(reminder.seq, channel, f"snoozed for {write_length(wait)} by <@{by}>")
        return ""

    def describe_windows(self, key: str) -> str:
        """The windows, freezes and next openings of a cluster, or of all."""
        chosen = [self._find_cluster(key)] if key else list(self._clusters.values())
        return "\n".join(line for cluster in chosen for line in describe_cluster(cluster, self._clock.now()))

    def read_agenda(self, key: str = "") -> tuple[Section, ...]:
        """What the next 30 days hold, for a cluster or for all."""
        clusters = {key: self._find_cluster(key)} if key else self._clusters
        now = self._clock.now()
        upgrades, downtime = self._calendar.list_upgrades(now), self._calendar.list_downtime(now)
        return build_agenda(choose_cluster(upgrades, key), choose_cluster(downtime, key), clusters)

    def attach_calendar(self, row: UpgradeRow) -> None:
        """Put the appointment into the thread as a file for calendars; once aborted, one that takes it out again."""
        now = self._clock.now()
        if self._schedules.find_appointment(row.id) is None:
            return
        entry = self._calendar.enter_upgrade(row.id, now)
        if entry and entry.span.end > now:
            self._chronicle.attach(row, Attachment(f"{row.id}.ics", write_upgrade(entry, now)), now)

    def find_faults(self, target: str, written: Written) -> dict[str, str]:
        """What is wrong with an appointment, by date, time, zone or for."""
        row = self._find_row(target)
        cluster = self._clusters.get(row.cluster if row else target)
        if cluster is None:
            return {"date": f"There is no cluster {target} in clusters.toml."}
        try:
            read_appointment(written, self._clock.now(), cluster.downtime)
        except Unclear as unclear:
            return {unclear.field: str(unclear)}
        return {}

    def refuse(self, target: str, user: str) -> str:
        """Why this person may not schedule this cluster or upgrade, "" where they may."""
        only = next(iter(self._clusters)) if len(self._clusters) == 1 else ""
        row = self._find_row(target or only)
        try:
            cluster = self._find_cluster(row.cluster if row else target or only)
            self._check(cluster, "schedule" if row else "start", user, row)
        except Refusal as refusal:
            return str(refusal)
        return ""

    def propose(self, target: str) -> Appointment:
        """What a form starts from: the appointment that stands, else the next opening."""
        row = self._find_row(target)
        cluster = self._clusters.get(row.cluster if row else target)
        known = self._schedules.find_appointment(row.id) if row else None
        now = self._clock.now()
        if known and known.starts > now:
            return known
        later = now + timedelta(minutes=30)
        opening = cluster.downtime.find_opening(later) if cluster else None
        starts = max(opening.start, later) if opening else later
        zone = known.zone if known else choose_zone(cluster.downtime, None) if cluster else "UTC"
        return Appointment(starts, None, zone)

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
                raise Refusal(f"Nothing to snooze: {reminder.step.partition('/')[0]} of {row.id} was decided.")

    def _find_row(self, target: str) -> UpgradeRow | None:
        row = self._journal.find_upgrade(target) if target else None
        if row and row.ended_at is None:
            return row
        return self._journal.find_open_upgrade(row.cluster if row else target)

    def _need_row(self, target: str) -> tuple[UpgradeRow, Cluster]:
        row = self._find_row(target)
        if row is None:
            cluster = self._find_cluster(target)
            raise Refusal(f"No upgrade of {cluster.key} is under way.")
        return row, self._find_cluster(row.cluster)

    def _find_cluster(self, key: str) -> Cluster:
        if not key:
            raise Refusal(f"Which cluster? Known ones: {list_names(self._clusters)}.")
        known = self._clusters.get(key)
        if known is None:
            raise Refusal(f"There is no cluster `{key}` in clusters.toml. Known ones: {list_names(self._clusters)}.")
        return known

    def _check(self, cluster: Cluster, action: Action, user: str, row: UpgradeRow | None) -> None:
        refused = refuse_person(cluster.policy, action, user, row.requester if row else "", False)
        if refused:
            raise Refusal(refused)

    def _record(self, row: UpgradeRow, by: str, event: Scheduled | Extended) -> None:
        now = self._clock.now()
        self._journal.append(row.id, by, event, now)
        self._chronicle.tell(row, event.said, now)
        self._chronicle.draw_root(row.id, now)


def describe_cluster(cluster: Cluster, now: datetime) -> Sequence[str]:
    """The windows of one cluster in lines."""
    downtime = cluster.downtime
    if not downtime.windows and not downtime.freezes:
        return [f"*{cluster.key}* may be changed at any time: clusters.toml sets no windows and no freezes."]
    zone = choose_zone(downtime, None)
    lines = [f"*{cluster.key}*"]
    lines += [f"• window: {window.describe()}" for window in downtime.windows] or ["• no windows: any time"]
    lines += [f"• freeze: {freeze.describe()}" for freeze in downtime.freezes if freeze.span.end > now]
    openings = downtime.list_openings(now, now + LISTED)[:OPENINGS_SHOWN]
    if downtime.windows:
        shown = "; ".join(write_span(span.start, span.end, zone) for span in openings)
        lines.append(f"• next: {shown or 'none within two weeks'}")
    return lines
