"""The next 30 days over the fleet, in words and as iCalendar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.appointments import Appointment, write_span
from bot.permits import choose_zone
from bot.rows import UpgradeRow
from bot.schedules import Hold
from bot.windows import Downtime, Span

AHEAD = timedelta(days=30)
UNBOUNDED = timedelta(hours=1)
LINES_SHOWN = 60


@dataclass(frozen=True)
class Entry:
    """Something with a time in the calendar. `uid` is the same for the same thing in every export."""

    kind: Literal["upgrade", "window", "freeze"]
    cluster: str
    span: Span
    zone: str
    title: str
    uid: str


def enter_upgrade(row: UpgradeRow, appointment: Appointment | None, hold: Hold | None, now: datetime) -> Entry | None:
    """An open upgrade with its appointment, or with the moment at which it goes on; None where it has neither."""
    title = f"upgrade {row.id} to {row.release}"
    if appointment:
        ends = appointment.ends or appointment.starts + UNBOUNDED
        if ends <= now:
            return None
        return Entry("upgrade", row.cluster, Span(appointment.starts, ends), appointment.zone, title, row.id)
    if hold and hold.until and hold.until > now:
        return Entry("upgrade", row.cluster, Span(hold.until, hold.until + UNBOUNDED), "UTC", title, row.id)
    return None


def enter_downtime(cluster: str, downtime: Downtime, now: datetime) -> Iterator[Entry]:
    """A cluster's windows and freezes that begin within 30 days, or have begun."""
    zone = choose_zone(downtime, None)
    for span in downtime.list_openings(now, now + AHEAD) if downtime.windows else []:
        uid = f"{cluster}-window-{span.end:%Y%m%dT%H%MZ}"
        yield Entry("window", cluster, span, zone, f"window of {cluster}", uid)
    for freeze in downtime.freezes:
        if freeze.span.end > now and freeze.span.start < now + AHEAD:
            title = f"{cluster} frozen: {freeze.reason}"
            yield Entry("freeze", cluster, freeze.span, freeze.zone, title, f"{cluster}-freeze-{freeze.first}")


def write_agenda(entries: Iterable[Entry], now: datetime) -> str:
    """One line an entry, by time; a sentence where there is none."""
    chosen = sorted((entry for entry in entries if entry.span.start < now + AHEAD), key=_by_time)
    if not chosen:
        return "Nothing is scheduled in the next 30 days, and no cluster has windows or freezes."
    lines = [f"• {write_span(one.span.start, one.span.end, one.zone)}: {one.title}" for one in chosen[:LINES_SHOWN]]
    more = [f"… and {len(chosen) - LINES_SHOWN} more"] if len(chosen) > LINES_SHOWN else []
    return "\n".join(["*The next 30 days*", *lines, *more])


def write_ics(entries: Iterable[Entry], now: datetime) -> str:
    """The entries as one iCalendar file (RFC 5545), times in UTC."""
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", "-//asm-upgrade-bot//calendar//EN")
    calendar.add("version", "2.0")
    for entry in sorted(entries, key=_by_time):
        event = Event()
        event.add("uid", f"{entry.uid}@asm-upgrade-bot")
        event.add("dtstamp", now)
        event.add("dtstart", entry.span.start)
        event.add("dtend", entry.span.end)
        event.add("summary", entry.title)
        event.add("categories", [entry.kind])
        event.add("transp", "OPAQUE" if entry.kind == "upgrade" else "TRANSPARENT")
        calendar.add_component(event)
    return str(calendar.to_ical().decode())


def _by_time(entry: Entry) -> tuple[Span, str]:
    return entry.span, entry.uid
