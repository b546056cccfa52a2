"""The calendar as iCalendar files (RFC 5545), for programs that people plan with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from bot.schedule.calendar import CalendarEntry, by_time
from steps.contract.cards import Attachment

if TYPE_CHECKING:
    from icalendar import Event

# RFC 5546 wants an organizer of everything that is published or cancelled; .invalid is nobody's address (RFC 2606).
ORGANIZER = "mailto:noreply@asm-upgrade-bot.invalid"


def write_calendar(
    entries: Iterable[CalendarEntry], now: datetime, method: Literal["PUBLISH", "CANCEL"] = "PUBLISH"
) -> str:
    """The entries as one file, lines ending in CRLF, times in UTC; `now` is when the file is made."""
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//asm-upgrade-bot//calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    for entry in sorted(entries, key=by_time):
        calendar.add_component(_build_event(entry, now))
    return str(calendar.to_ical().decode())


def write_upgrade(entry: CalendarEntry, now: datetime) -> str:
    """The file that puts one upgrade into a calendar, or takes a cancelled one out of it."""
    return write_calendar([entry], now, "CANCEL" if entry.cancelled else "PUBLISH")


def attach_upgrade(upgrade: str, entry: CalendarEntry, now: datetime) -> Attachment:
    """The same as a file for the upgrade's thread."""
    return Attachment(f"{upgrade}.ics", write_upgrade(entry, now))


def _build_event(entry: CalendarEntry, now: datetime) -> Event:
    from icalendar import Event, vCalAddress

    organizer = vCalAddress(ORGANIZER)
    organizer.params["cn"] = "ASM upgrade bot"
    event = Event()
    event.add("uid", f"{entry.uid}@asm-upgrade-bot")
    event.add("sequence", entry.sequence)
    event.add("dtstamp", now)
    if entry.changed_at:
        event.add("last-modified", entry.changed_at)
    event.add("organizer", organizer)
    event.add("dtstart", entry.span.start)
    event.add("dtend", entry.span.end)
    event.add("summary", _clean(entry.title))
    if entry.note:
        event.add("description", _clean(entry.note))
    event.add("categories", [entry.kind])
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "OPAQUE" if entry.kind == "upgrade" else "TRANSPARENT")
    return event


def _clean(text: str) -> str:
    """Without the control characters that RFC 5545 forbids."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
