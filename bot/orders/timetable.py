"""What is planned over the fleet and when something may be: windows, freezes, appointments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bot.clock import Clock
from bot.journal.bodies import AgendaSection
from bot.journal.journal import JournalView
from bot.journal.rows import UpgradeRow
from bot.orders.targets import Refusal, describe_unknown_cluster
from bot.people.rights import refuse_person
from bot.schedule.agenda import SpanSection, build_agenda, describe_windows, show_agenda
from bot.schedule.calendar import Calendar, choose_cluster
from bot.schedule.calendar_files import attach_upgrade
from bot.schedule.tables import SchedulesView
from bot.settings.clusters import Cluster
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import list_names
from bot.windows.appointments import Appointment, Written, find_written_faults, propose_appointment


class Timetable:
    """Reads what is planned. It changes nothing, but puts an appointment into its thread as a file for calendars."""

    def __init__(
        self,
        journal: JournalView,
        schedules: SchedulesView,
        chronicle: Chronicle,
        clock: Clock,
        clusters: Mapping[str, Cluster],
    ) -> None:
        self._journal = journal
        self._schedules = schedules
        self._chronicle = chronicle
        self._clock = clock
        self._clusters = clusters
        self._calendar = Calendar(journal, schedules, clusters)

    def describe_windows(self, key: str) -> str:
        """The windows, freezes and next openings of a cluster, or of all."""
        chosen = [self.find_cluster(key)] if key else list(self._clusters.values())
        return "\n".join(line for cluster in chosen for line in describe_windows(cluster, self._clock.now()))

    def read_agenda(self, key: str = "") -> tuple[SpanSection, ...]:
        """What the next 30 days hold, for a cluster or for all."""
        clusters = {key: self.find_cluster(key)} if key else self._clusters
        now = self._clock.now()
        upgrades, downtime = self._calendar.list_upgrades(now), self._calendar.list_downtime(now)
        return build_agenda(choose_cluster(upgrades, key), choose_cluster(downtime, key), clusters)

    def show_agenda(self) -> tuple[AgendaSection, ...]:
        """The same over the fleet, as it is drawn."""
        return show_agenda(self.read_agenda())

    def attach_calendar(self, row: UpgradeRow) -> None:
        """Put the appointment into the thread as a file for calendars; once it is ended, one that takes it out."""
        now = self._clock.now()
        if self._schedules.find_appointment(row.id) is None:
            return
        entry = self._calendar.enter_upgrade(row.id, now)
        if entry and entry.span.end > now:
            self._chronicle.attach(row, attach_upgrade(row.id, entry, now), now)

    def find_faults(self, target: str, written: Written) -> dict[str, str]:
        """What is wrong with an appointment, by date, time, zone or for."""
        row = self.find_row(target)
        cluster = self._clusters.get(row.cluster if row else target)
        if cluster is None:
            return {"date": f"There is no cluster {target} in clusters.toml."}
        return find_written_faults(written, self._clock.now(), cluster.downtime)

    def refuse(self, target: str, user: str) -> str:
        """Why this person may not schedule this cluster or upgrade, "" where they may."""
        only = next(iter(self._clusters)) if len(self._clusters) == 1 else ""
        row = self.find_row(target or only)
        try:
            cluster = self.find_cluster(row.cluster if row else target or only)
            self.check(cluster, "schedule" if row else "start", user, row)
        except Refusal as refusal:
            return str(refusal)
        return ""

    def propose(self, target: str) -> Appointment:
        """What a form starts from: the appointment that stands, else the next opening."""
        row = self.find_row(target)
        cluster = self._clusters.get(row.cluster if row else target)
        known = self._schedules.find_appointment(row.id) if row else None
        return propose_appointment(known, cluster.downtime if cluster else None, self._clock.now())

    def find_row(self, target: str) -> UpgradeRow | None:
        """The open upgrade with this id, or of this cluster, or after the ended one with this id."""
        row = self._journal.find_upgrade(target) if target else None
        if row and row.ended_at is None:
            return row
        return self._journal.find_open_upgrade(row.cluster if row else target)

    def need_row(self, target: str) -> tuple[UpgradeRow, Cluster]:
        """The same with its cluster. Raises Refusal where there is none."""
        row = self.find_row(target)
        if row is None:
            cluster = self.find_cluster(target)
            raise Refusal(f"No upgrade of {cluster.key} is under way.")
        return row, self.find_cluster(row.cluster)

    def find_cluster(self, key: str) -> Cluster:
        """The cluster under this key in clusters.toml. Raises Refusal."""
        if not key:
            raise Refusal(f"Which cluster? Known ones: {list_names(self._clusters)}.")
        known = self._clusters.get(key)
        if known is None:
            raise Refusal(describe_unknown_cluster(key, self._clusters))
        return known

    def check(
        self,
        cluster: Cluster,
        action: Literal["start", "schedule", "extend", "snooze"],
        user: str,
        row: UpgradeRow | None,
    ) -> None:
        """Raise Refusal where this person may not do this."""
        refused = refuse_person(cluster.policy, action, user, row.requester if row else "", False)
        if refused:
            raise Refusal(refused)

    def check_opening(self, cluster: Cluster, user: str, row: UpgradeRow) -> None:
        """Raise Refusal where this person may not let the upgrade act before it may: that takes who may approve it."""
        action: Literal["approve", "break-glass"] = "approve" if cluster.policy.approvers else "break-glass"
        refused = refuse_person(cluster.policy, action, user, row.requester, action == "approve")
        if refused:
            raise Refusal(f"{row.id} may not act now, and letting it takes an approval. {refused}")
