"""Holds upgrades outside of their windows, and lets them go on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.journal.journal import Journal
from bot.journal.measured import Paces
from bot.journal.rows import ACTED, UpgradeRow
from bot.schedule.tables import Reminder, Schedules
from bot.settings.clusters import Cluster
from bot.transitions import Transitions, is_legal
from bot.windows.appointments import choose_zone
from bot.windows.downtime import DAY, HORIZON, Downtime
from bot.windows.permits import (
    BINDING,
    CONTROL_PLANE_START,
    OPEN,
    READING_GATES,
    SELF_HOLDING,
    WRITING,
    Permit,
    judge_moment,
    judge_room,
)
from steps.contract.forecast import Forecast
from steps.contract.release import Release
from steps.notes.prepare import NODES
from steps.plan import is_guest, is_way_back
from steps.workloads.estimate import estimate_control_plane

# For so long Slack may take nothing before no new batch is begun in the steps that move pods.
SILENCE = timedelta(minutes=10)
BATCHES = frozenset({"sidecars/canary", "sidecars/restart"})
BEFORE_END = timedelta(minutes=15)
SHORTEST_LIFE = timedelta(hours=1)
LONGEST_LIFE = timedelta(days=7)
HOW_TO_GO_ON = "`/asm-upgrade extend {cluster} 1h REASON` lets it go on now, `/asm-upgrade schedule {cluster}` moves it"


class Keeper:
    """The keeper over the clusters' windows and the upgrades' appointments."""

    def __init__(
        self,
        journal: Journal,
        schedules: Schedules,
        transitions: Transitions,
        clusters: Mapping[str, Cluster],
        releases: Mapping[str, Release],
        paces: Paces,
    ) -> None:
        self._journal = journal
        self._schedules = schedules
        self._transitions = transitions
        self._clusters = clusters
        self._releases = releases
        self._paces = paces

    def admit(self, row: UpgradeRow, now: datetime) -> Permit:
        """Whether the step may run. Reading, abort and a way back always may; a begun one runs on to its safe point.

        Download, verification and the recorded differences are reading: they run ahead of the window.
        """
        if row.aborted_by or row.state != "running":
            return OPEN
        permit = self.find_permit(row, now)
        if permit.open:
            self._let_go(row, permit, now)
            return permit
        if self._may_run(row):
            return permit
        self.hold(row, now)
        return dataclasses.replace(permit, may_run=False)

    def hold(self, row: UpgradeRow, now: datetime) -> None:
        """Hold the upgrade, or have it look again where a window or an extension has opened since it was judged."""
        with self._journal.transact():
            permit = self.find_permit(row, now)
            if permit.open:  # its `until` is the end of the window, and no time to be held to
                self.wake(row.id)
            else:
                self._hold(row, permit, now)

    def find_permit(self, row: UpgradeRow, now: datetime) -> Permit:
        """Whether this upgrade may start something new now."""
        permit = self.find_window(row, now)
        if is_way_back(row.plan) or not _needs_room(row):
            return permit
        downtime = self.find_downtime(row)
        zone = choose_zone(downtime, self._schedules.find_appointment(row.id))
        return judge_room(permit, now, self.measure_need(row), downtime, zone)

    def find_window(self, row: UpgradeRow, now: datetime) -> Permit:
        """The same whatever the step at hand needs. Nothing holds a way back."""
        if is_way_back(row.plan):
            return OPEN
        downtime = self.find_downtime(row)
        appointment = self._schedules.find_appointment(row.id)
        if appointment is None and not downtime.windows and not downtime.freezes:
            return OPEN
        return judge_moment(now, downtime, appointment, self._schedules.find_extension(row.id))

    def find_closing(self, row: UpgradeRow, now: datetime) -> str:
        """Why a step that was let in must not begin to write any more, "" where it may: its window closed meanwhile."""
        if row.aborted_by or row.step not in WRITING | SELF_HOLDING:
            return ""
        permit = self.find_permit(row, now)
        return "" if permit.open else permit.why

    def find_silence(self, row: UpgradeRow, now: datetime) -> str:
        """Why no new batch of pods may be moved, "" where it may: nobody can see how the upgrade goes."""
        if row.step not in BATCHES or is_way_back(row.plan):
            return ""
        since = self._journal.find_unheard(row.id)
        if since is None or now - since < SILENCE:
            return ""
        return f"Slack has taken nothing since {since:%H:%M} UTC, so no more pods are moved until it does"

    def find_downtime(self, row: UpgradeRow) -> Downtime:
        """What the upgrade's cluster has set; nothing where clusters.toml lost it."""
        cluster = self._clusters.get(row.cluster)
        return cluster.downtime if cluster else Downtime()

    def measure_need(self, row: UpgradeRow) -> timedelta:
        """The upper estimate for the control plane, and as long again for the way back."""
        release = self._releases.get(row.release)
        if release is None:
            return timedelta()
        highest = estimate_control_plane(release, self._paces.find_measured(row.cluster), self._count_nodes(row))[1]
        return timedelta(minutes=math.ceil(2 * highest))

    def _count_nodes(self, row: UpgradeRow) -> int:
        return self._journal.recall(row.id, NODES) or 0

    def forecast(self, row: UpgradeRow, now: datetime) -> Forecast:
        """What is known about time for the upgrade's cards."""
        permit = self.find_permit(row, now)
        window = permit.until - now if permit.open and permit.until else None
        if not permit.open and permit.until:
            ends = self._find_end(row, permit.until)
            window = ends - permit.until if ends and ends - permit.until < HORIZON - DAY else None
        minutes = window.total_seconds() / 60 if window else None
        measured, took = self._paces.find_measured(row.cluster), self._paces.measure_took(row.id)
        return Forecast(measured, minutes, took, self._count_nodes(row))

    def wake_held(self) -> None:
        """Judge every held upgrade again: the windows may have changed since it was held."""
        with self._journal.transact():
            for upgrade in self._schedules.list_held():
                self.wake(upgrade)

    def wake(self, upgrade: str) -> None:
        """Have a running upgrade judged at the next turn."""
        row = self._journal.find_upgrade(upgrade)
        if row and is_legal("look again", row):
            self._transitions.look_again(row)

    def choose_expiry(self, row: UpgradeRow, now: datetime, life: timedelta) -> datetime:
        """Until when a question may be answered, and its approval acted on: to the end of its window, else for `life`.

        That is the window at hand or the next. One that is about to close still leaves time for an answer.
        """
        permit = self.find_permit(row, now)
        if permit.open:
            return min(max(permit.until or now + life, now + SHORTEST_LIFE), now + LONGEST_LIFE)
        opens = max(now, permit.until or now)
        ends = self._find_end(row, opens) if permit.until else None
        return min(ends or opens + life, opens + LONGEST_LIFE)

    def _find_end(self, row: UpgradeRow, opens: datetime) -> datetime | None:
        """The end of the window that opens then, None where nothing ends it."""
        appointment = self._schedules.find_appointment(row.id)
        if appointment:
            return appointment.ends
        opening = self.find_downtime(row).find_opening(opens)
        return opening.end if opening and opening.end - opens < HORIZON - DAY else None

    def note_times(self, row: UpgradeRow, now: datetime) -> None:
        """Keep when the upgrade may act, for root, cards and status."""
        appointment, permit = self._schedules.find_appointment(row.id), self.find_window(row, now)
        if permit.open:
            opened = appointment.starts if appointment and appointment.starts <= now else None
            self._schedules.note_times(row.id, opened, permit.until)
        elif permit.until:
            self._schedules.note_times(row.id, permit.until, self._find_end(row, permit.until))
        elif appointment:
            self._schedules.note_times(row.id, appointment.starts, appointment.ends)

    def note_question(self, row: UpgradeRow, generation: int, now: datetime, expires: datetime) -> None:
        """Plan the repetitions that the cluster sets, as long as the approval may be given."""
        self._schedules.drop_reminders(row.id, ["approval"])
        self._schedules.add_reminders(
            Reminder(0, row.id, "approval", now + after, now, row.step, generation)
            for after in self.find_downtime(row).repeats
            if now + after < expires
        )

    def plan_opening(self, row: UpgradeRow, starts: datetime, ends: datetime | None, now: datetime) -> None:
        """Plan what people are told before and at the opening, and before the end, in place of earlier plans."""
        self._schedules.drop_reminders(row.id, ["before", "starts", "ends"])
        leads = [lead for lead in self.find_downtime(row).leads if starts - lead > now]
        planned = [Reminder(0, row.id, "before", starts - lead, starts) for lead in leads]
        planned += [Reminder(0, row.id, "starts", starts, starts)] if starts > now else []
        self._schedules.add_reminders(planned)
        if ends:
            self._plan_end(row, ends, now)

    def _may_run(self, row: UpgradeRow) -> bool:
        if row.step in SELF_HOLDING:
            return True
        if row.step in WRITING:
            return self._journal.recall_json(row.id, ACTED) == [row.step, row.generation]
        if row.step in READING_GATES:
            return True
        question = self._journal.find_question(row.id, row.step, row.generation)
        approved = question is not None and question.kind == "gate" and question.state == "decided"
        return not approved or question is None or question.choice in ("deny", "retry")

    def _hold(self, row: UpgradeRow, permit: Permit, now: datetime) -> None:
        sentence = f"held before {row.phase}: {permit.why}"
        with self._journal.transact():
            current = self._journal.find_upgrade(row.id)
            if current is None or (current.step, current.state) != (row.step, "running") or current.aborted_by:
                return
            fresh = self._schedules.put_hold(row.id, row.step, permit.why, permit.until, now)
            if fresh:
                self.note_times(row, now)
            short = not permit.until or _needs_room(row)
            advice = f"; {HOW_TO_GO_ON.format(cluster=row.cluster)}" if short else ""
            self._transitions.hold(row, permit.until, sentence, sentence + advice if fresh else "")
            if fresh and permit.until and self._schedules.find_appointment(row.id) is None:
                opening = self.find_downtime(row).find_opening(permit.until)
                self.plan_opening(row, permit.until, opening.end if opening else None, now)

    def _let_go(self, row: UpgradeRow, permit: Permit, now: datetime) -> None:
        if permit.until and not self._schedules.has_reminder(row.id, "ends", permit.until):
            self._plan_end(row, permit.until, now)
        hold = self._schedules.find_hold(row.id)
        if hold is None:
            return
        with self._journal.transact():
            self._journal.prolong_approvals(row.id, max(now - hold.since, timedelta()), hold.since, permit.until)
            self._schedules.end_hold(row.id)
            self.note_times(row, now)
            self._transitions.go_on(row, f"goes on with {row.phase}: the window is open")

    def _plan_end(self, row: UpgradeRow, ends: datetime, now: datetime) -> None:
        self._schedules.add_reminders([Reminder(0, row.id, "ends", max(now, ends - BEFORE_END), ends)])


def _needs_room(row: UpgradeRow) -> bool:
    """Whether the control plane and its way back have to fit from this step on."""
    return row.step in CONTROL_PLANE_START or (row.step in BINDING and is_guest(row.plan, row.step))
