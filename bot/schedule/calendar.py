"""What the calendar holds: upgrades with their times, windows and freezes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.journal.journal import JournalView
from bot.journal.rows import UpgradeRow
from bot.schedule.tables import Edition, Hold, SchedulesView
from bot.settings.clusters import Cluster
from bot.windows.appointments import Appointment, choose_zone, write_span
from bot.windows.downtime import Downtime, Span
from steps.contract.wording import name_phase
from steps.mesh import ClusterAddress
from steps.plan import tell_kind

AHEAD = timedelta(days=30)
# How long something takes in the calendar whose end nobody has set.
UNBOUNDED = timedelta(hours=1)


@dataclass(frozen=True)
class CalendarEntry:
    """Something with a time. `uid` is the same for the same thing in every file, `sequence` grows when it is moved.

    `has_end` is False where the end of `span` is only a placeholder. `changed_at` is None for what clusters.toml sets.
    """

    kind: Literal["upgrade", "window", "freeze"]
    cluster: str
    span: Span
    zone: str
    title: str
    uid: str
    note: str = ""
    standing: str = ""
    has_end: bool = True
    sequence: int = 0
    cancelled: bool = False
    changed_at: datetime | None = None

    def describe_span(self) -> str:
        """`2026-12-01 02:00-05:00 Asia/Seoul`."""
        return write_span(self.span.start, self.span.end if self.has_end else None, self.zone)


class Calendar:
    """Reads the journal and the clusters' windows."""

    def __init__(self, journal: JournalView, schedules: SchedulesView, clusters: Mapping[str, Cluster]) -> None:
        self._journal = journal
        self._schedules = schedules
        self._clusters = clusters

    def enter_upgrade(self, upgrade: str, now: datetime) -> CalendarEntry | None:
        """An upgrade's appointment, or the moment at which it goes on; None where it has neither."""
        row = self._journal.find_upgrade(upgrade)
        return self._enter(row, now) if row else None

    def list_upgrades(self, now: datetime) -> list[CalendarEntry]:
        """The open upgrades of the next 30 days, by time."""
        entries = (self._enter(row, now) for row in self._journal.list_open_upgrades())
        return sorted(filter(None, (keep_near(entry, now) for entry in entries)), key=by_time)

    def list_cancelled(self, now: datetime) -> list[CalendarEntry]:
        """The upgrades that were aborted or taken back before the end of their time, so that calendars drop them."""
        rows = (self._journal.find_upgrade(upgrade) for upgrade in self._schedules.list_scheduled(now - UNBOUNDED))
        entries = (self._enter(row, now) for row in rows if row and row.state in ("aborted", "rolled back"))
        return [entry for entry in entries if entry and entry.span.end > now]

    def list_downtime(self, now: datetime) -> list[CalendarEntry]:
        """The windows and freezes of every cluster in the next 30 days, by time."""
        entries = (entry for cluster in self._clusters.values() for entry in enter_downtime(cluster, now))
        return sorted(entries, key=by_time)

    def list_fleet(self, now: datetime) -> list[CalendarEntry]:
        """Everything that a calendar of the fleet shows, what was cancelled included."""
        return [*self.list_upgrades(now), *self.list_cancelled(now), *self.list_downtime(now)]

    def _enter(self, row: UpgradeRow, now: datetime) -> CalendarEntry | None:
        appointment = self._schedules.find_appointment(row.id)
        hold = self._schedules.find_hold(row.id) if row.ended_at is None else None
        if appointment is None:
            return enter_hold(row, hold, now)
        extension = self._schedules.find_extension(row.id)
        return enter_appointment(row, appointment, extension, self._schedules.find_edition(row.id), hold)


def enter_appointment(
    row: UpgradeRow, appointment: Appointment, extension: datetime | None, edition: Edition, hold: Hold | None
) -> CalendarEntry:
    """An upgrade with its appointment, extensions included; a cancelled one is a later edition of it."""
    ends = appointment.ends
    if ends and extension:
        ends = max(ends, extension)
    cancelled = bool(row.aborted_by)
    about = f"Upgrade {row.id} of {describe_address(row.address)}, scheduled for {appointment.describe()}."
    return CalendarEntry(
        kind="upgrade",
        cluster=row.cluster,
        span=Span(appointment.starts, ends or appointment.starts + UNBOUNDED),
        zone=appointment.zone,
        title=write_title(row),
        uid=make_uid(row.address, row.id, row.created_at.isoformat()),
        note=about if ends else f"{about} No end is set.",
        standing=describe_standing(row, hold),
        has_end=ends is not None,
        sequence=edition.sequence + cancelled,
        cancelled=cancelled,
        changed_at=(row.ended_at if cancelled else None) or edition.at,
    )


def enter_hold(row: UpgradeRow, hold: Hold | None, now: datetime) -> CalendarEntry | None:
    """An upgrade that is held until its cluster's next window."""
    if hold is None or hold.until is None or hold.until <= now:
        return None
    return CalendarEntry(
        kind="upgrade",
        cluster=row.cluster,
        span=Span(hold.until, hold.until + UNBOUNDED),
        zone="UTC",
        title=write_title(row),
        uid=make_uid(row.address, row.id, row.created_at.isoformat()),
        note=f"Upgrade {row.id} of {describe_address(row.address)} goes on then. No end is set.",
        standing=describe_standing(row, hold),
        has_end=False,
        changed_at=hold.since,
    )


def enter_downtime(cluster: Cluster, now: datetime) -> Iterator[CalendarEntry]:
    """A cluster's windows and freezes that begin within 30 days, or have begun."""
    downtime, zone = cluster.downtime, choose_zone(cluster.downtime, None)
    for span in list_window_spans(downtime, now):
        uid = make_uid(cluster.address, "window", span.end.isoformat())
        yield CalendarEntry("window", cluster.key, span, zone, f"Window of {cluster.key} for mesh upgrades", uid)
    for freeze in downtime.freezes:
        uid = make_uid(cluster.address, "freeze", f"{freeze.first}")
        title = f"No mesh upgrades of {cluster.key}: {freeze.reason}"
        entry = CalendarEntry("freeze", cluster.key, freeze.span, freeze.zone, title, uid, freeze.describe())
        if keep_near(entry, now):
            yield entry


def list_window_spans(downtime: Downtime, now: datetime) -> list[Span]:
    """The openings of the next 30 days, those of a cluster without windows left out."""
    return downtime.list_openings(now, now + AHEAD) if downtime.windows else []


def keep_near(entry: CalendarEntry | None, now: datetime) -> CalendarEntry | None:
    """The entry where it lies within the next 30 days."""
    return entry if entry and entry.span.end > now and entry.span.start < now + AHEAD else None


def make_uid(address: ClusterAddress, *parts: str) -> str:
    """An id that is the same for the same thing and, as RFC 7986 wishes, says nothing else."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(["asm-upgrade-bot", describe_address(address), *parts])))


def describe_address(address: ClusterAddress) -> str:
    """`project/location/name`, or where the kubeconfig leads."""
    if address.kubeconfig:
        return f"{address.key} ({address.context or 'kubeconfig'})"
    return f"{address.project}/{address.location}/{address.name}"


def write_title(row: UpgradeRow) -> str:
    """What stands in the calendar's line."""
    if row.takes_back:
        return f"Way back {row.id} of {row.takes_back} to {row.release}"
    return f"Mesh upgrade {row.id} to {row.release}"


def describe_standing(row: UpgradeRow, hold: Hold | None) -> str:
    """In what state the upgrade is, in words that don't change by the minute."""
    phase = name_phase(row.step)
    if row.aborted_by:
        return "taken back" if tell_kind(row.plan) == "landing" else "cancelled"
    if row.paused_by:
        return "paused"
    if row.state == "running" and hold:
        return f"approved up to {phase}, waits for its time"
    return {"asking": f"waits for the approval of {phase}", "blocked": f"blocked in {phase}"}.get(row.state, row.state)


def by_time(entry: CalendarEntry) -> tuple[Span, str]:
    """The order in a calendar."""
    return entry.span, entry.uid


def choose_cluster(entries: Iterable[CalendarEntry], key: str) -> list[CalendarEntry]:
    """The entries of one cluster, of all for ""."""
    return [entry for entry in entries if key in ("", entry.cluster)]
