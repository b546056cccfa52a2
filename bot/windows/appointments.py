"""A date, a time and a zone as people write them, turned into an appointment; a sentence for everything unclear."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from bot.windows.downtime import DAY, Downtime, Span, find_clock_change, find_moments

SHORTEST = timedelta(minutes=10)
LONGEST = timedelta(days=7)
FARTHEST = timedelta(days=366)
# In all zones of the world the days around these years can be reckoned with.
FIRST_YEAR, LAST_YEAR = 1900, 9000
LONGEST_ZONE = 60
DURATION = re.compile(
    r"(?:(\d{1,3})\s*(?:d|days?)\s*)?"
    r"(?:(\d{1,4}(?:[.,]\d{1,2})?)\s*(?:h|hrs?|hours?)\s*)?"
    r"(?:(\d{1,5})\s*(?:m|mins?|minutes?))?",
    re.IGNORECASE,
)
CLOCK = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*(am|pm)?", re.IGNORECASE)


@dataclass(frozen=True)
class Appointment:
    """When an upgrade may act: UTC; `ends` None where nothing ends it. `zone` is the one it was written in."""

    starts: datetime
    ends: datetime | None
    zone: str

    def describe(self) -> str:
        """`2026-12-01 02:00-05:00 Asia/Seoul (from 2026-11-30 17:00 UTC)`."""
        return f"{write_span(self.starts, self.ends, self.zone)} (from {self.starts:%Y-%m-%d %H:%M} UTC)"


@dataclass(frozen=True)
class Written:
    """A time as a person wrote it, in words; `length` is how long it is to last, "" for as long as the window does."""

    date: str = ""
    time: str = ""
    zone: str = ""
    length: str = ""


class UnclearTime(Exception):
    """What was written is no clear time; `field` is date, time, zone or for, the text a sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def read_appointment(written: Written, now: datetime, downtime: Downtime) -> Appointment:
    """The appointment that was written. Raises UnclearTime."""
    zone = read_zone(written.zone)
    starts = read_moment(_name_day(written.date, now, zone), written.time, zone)
    if starts <= now:
        raise UnclearTime("date", f"{write_local(starts, zone)} is past; now it is {write_local(now, zone)}.")
    if starts - now > FARTHEST:
        raise UnclearTime("date", f"{write_local(starts, zone)} is more than a year away; check the year.")
    length = read_length(written.length) if written.length else None
    opening = find_room(starts, length, zone, downtime)
    ends = starts + length if length else opening.end if opening else None
    return Appointment(starts, ends, zone)


def find_written_faults(written: Written, now: datetime, downtime: Downtime) -> dict[str, str]:
    """Everything that is wrong with a time as it was written, by date, time, zone or for."""
    found: dict[str, str] = {}
    lone = (lambda: read_date(_name_day(written.date, now, "UTC")), lambda: read_time(written.time))
    for read in (*lone, lambda: read_zone(written.zone), lambda: read_length(written.length or "1h")):
        _note_fault(read, found)
    if not found:
        _note_fault(lambda: read_appointment(written, now, downtime), found)
    return found


def _note_fault(read: Callable[[], object], found: dict[str, str]) -> None:
    try:
        read()
    except UnclearTime as unclear:
        found[unclear.field] = str(unclear)


def _name_day(text: str, now: datetime, zone: str) -> str:
    """`today` and `tomorrow` as dates in the zone; anything else as it was written."""
    days = {"today": 0, "tomorrow": 1}.get(text.lower())
    return text if days is None else f"{now.astimezone(ZoneInfo(zone)).date() + days * DAY}"


def choose_zone(downtime: Downtime, appointment: Appointment | None) -> str:
    """The zone in which people of this cluster read times."""
    if appointment:
        return appointment.zone
    return downtime.windows[0].zone if downtime.windows else "UTC"


def propose_appointment(known: Appointment | None, downtime: Downtime | None, now: datetime) -> Appointment:
    """What a form starts from: the appointment that stands, else the next opening in half an hour or later."""
    if known and known.starts > now:
        return known
    later = now + timedelta(minutes=30)
    rules = downtime or Downtime()
    opening = rules.find_opening(later)
    return Appointment(max(opening.start, later) if opening else later, None, choose_zone(rules, known))


def find_room(starts: datetime, length: timedelta | None, zone: str, downtime: Downtime) -> Span | None:
    """The cluster's window that the appointment lies in, None where it has neither window nor freeze ahead.

    Raises UnclearTime where a freeze or the windows don't allow it.
    """
    freeze = downtime.find_freeze(starts)
    if freeze:
        raise UnclearTime("date", f"{write_local(starts, zone)} lies in the freeze {freeze.describe()}.")
    far = starts + LONGEST + DAY
    opening = next((span for span in downtime.list_openings(starts - 8 * DAY, far) if span.holds(starts)), None)
    if opening is None:
        following = downtime.find_opening(starts)
        advice = f" The next one opens {write_local(following.start, zone)}." if following else ""
        raise UnclearTime("time", f"{write_local(starts, zone)} is outside of the cluster's windows.{advice}")
    if length and starts + length > opening.end:
        left = write_length(opening.end - starts)
        raise UnclearTime(
            "for",
            f"The window ends {write_local(opening.end, zone)}, {left} after the start; write `for {left}` or less.",
        )
    return opening if opening.end < far else None


def read_zone(text: str) -> str:
    """The name of a zone as the IANA database spells it. Raises UnclearTime, with the nearest names."""
    known = list_zones()
    found = find_zone(text)
    if found:
        return found
    if not text:
        raise UnclearTime("zone", "Name the time zone, such as Asia/Seoul, Europe/Berlin or UTC.")
    if re.fullmatch(r"[A-Za-z]{2,5}", text):
        raise UnclearTime(
            "zone", f"`{text}` is an abbreviation and may mean several zones; name a place, such as Asia/Seoul."
        )
    near = [known[name] for name in difflib.get_close_matches(text[:LONGEST_ZONE].lower(), known, 3, 0.6)]
    advice = f" Did you mean {' or '.join(near)}?" if near else " Write it as in Asia/Seoul, or UTC."
    raise UnclearTime("zone", f"There is no time zone `{clean_word(text)}`.{advice}")


def find_zone(text: str) -> str:
    """The zone that is called so, or the only one of a city that is; "" where there is none."""
    wanted = re.sub(r"\s+", "_", text.strip().lower())
    if wanted in ("utc", "z", "gmt"):
        return "UTC"
    return list_zones().get(wanted) or _list_cities().get(wanted, "")


def read_moment(day_text: str, time_text: str, zone: str) -> datetime:
    """The UTC moment of a local date and time. Raises UnclearTime where there is none, or two."""
    day, at = read_date(day_text), read_time(time_text)
    moments = find_moments(day, at, zone)
    if len(moments) == 1:
        return moments[0]
    before, after = find_clock_change(day, at, zone)
    turn = f"on {day} in {zone} clocks go from {before:%H:%M} to {after:%H:%M}"
    if not moments:
        raise UnclearTime(
            "time", f"{at:%H:%M} does not exist: {turn}. Take an earlier time, or {after:%H:%M} or later."
        )
    first, second = (f"`{moment:%Y-%m-%d %H:%M} UTC`" for moment in moments)
    raise UnclearTime(
        "time", f"{at:%H:%M} exists twice: {turn}. Write it in UTC: {first} is the first, {second} the second."
    )


def read_date(text: str) -> date:
    """A date written YYYY-MM-DD, the year first in any case, within what can be reckoned with. Raises UnclearTime."""
    parts = re.fullmatch(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})", text)
    if not parts:
        raise UnclearTime("date", f"`{clean_word(text)}` is no date; dates are written YYYY-MM-DD, such as 2026-12-01.")
    try:
        day = date(int(parts[1]), int(parts[3]), int(parts[4]))
    except ValueError:
        raise UnclearTime("date", f"There is no {text} in the calendar.") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise UnclearTime("date", f"{day} is out of reach; check the year.")
    return day


def read_time(text: str) -> time:
    """A time written HH:MM, 00:00 to 23:59, or with am or pm. Raises UnclearTime."""
    try:
        parts = CLOCK.fullmatch(text)
        if not parts or not (parts[2] or parts[3]):
            raise ValueError
        return time(_read_hour(int(parts[1]), (parts[3] or "").lower()), int(parts[2] or 0))
    except ValueError:
        raise UnclearTime(
            "time", f"`{clean_word(text)}` is no time of day; times are written HH:MM, 00:00 to 23:59."
        ) from None


def _read_hour(hour: int, half: str) -> int:
    """The hour of a whole day. Raises ValueError where half a day has no such hour."""
    if not half:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError
    return hour % 12 + (12 if half == "pm" else 0)


def read_length(text: str) -> timedelta:
    """A length such as 3h, 90m or 2h30m. Raises UnclearTime where it is none, or not between 10 minutes and 7 days."""
    found = parse_length(text)
    if found is None:
        word = clean_word(text)
        advice = f"write `{word}m` or `{word}h`" if word.isdecimal() else "write it as 3h, 90m or 2h30m"
        raise UnclearTime("for", f"`{word}` is no length of time; {advice}.")
    if not SHORTEST <= found <= LONGEST:
        raise UnclearTime(
            "for", f"{write_length(found)} is not between {write_length(SHORTEST)} and {write_length(LONGEST)}."
        )
    return found


def parse_length(text: str) -> timedelta | None:
    """A length written with days, hours and minutes, None where it is none or nothing."""
    found = DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        return None
    days, hours, minutes = found.groups()
    return timedelta(days=int(days or 0), hours=float((hours or "0").replace(",", ".")), minutes=int(minutes or 0))


def write_length(length: timedelta) -> str:
    """`2h30m`, as `read_length` takes it; rounded down to whole minutes."""
    minutes = int(length.total_seconds() // 60)
    days, hours = divmod(minutes // 60, 24)
    parts = [f"{number}{unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes % 60, "m")) if number]
    return "".join(parts) or "0m"


def write_wall(moment: datetime, zone: str) -> str:
    """`2026-12-01 02:00`, as clocks in the zone show it by the rules that this machine has."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def write_local(moment: datetime, zone: str) -> str:
    """`2026-12-01 02:00 Asia/Seoul`."""
    return f"{write_wall(moment, zone)} {zone}"


def write_both(moment: datetime, zone: str) -> str:
    """`2026-12-01 02:00 Asia/Seoul (2026-11-30 17:00 UTC)`; Slack shows UTC in the reader's own zone."""
    local, utc = write_local(moment, zone), f"{moment:%Y-%m-%d %H:%M} UTC"
    return local if zone == "UTC" else f"{local} ({utc})"


def write_span(start: datetime, end: datetime | None, zone: str) -> str:
    """`2026-12-01 02:00-05:00 Asia/Seoul`, with the date of the end where it is another."""
    opens = start.astimezone(ZoneInfo(zone))
    if end is None:
        return f"{opens:%Y-%m-%d %H:%M} {zone}"
    closes = end.astimezone(ZoneInfo(zone))
    last = f"{closes:%H:%M}" if closes.date() == opens.date() else f"{closes:%Y-%m-%d %H:%M}"
    return f"{opens:%Y-%m-%d %H:%M}-{last} {zone}"


def clean_word(text: str) -> str:
    """A word of a person's that may be shown in a code span."""
    return re.sub(r"[`<>&\s]+", " ", text).strip()[:60]


@cache
def list_zones() -> Mapping[str, str]:
    """Zones by their names in lower case: those with a region, which say when clocks change, and UTC."""
    return {name.lower(): name for name in sorted(available_timezones()) if "/" in name or name == "UTC"}


@cache
def _list_cities() -> Mapping[str, str]:
    """Zones by the last part of their names in lower case, where there is only one of that name.

    Not those of Etc: GMT+9 there is nine hours behind UTC.
    """
    found: dict[str, list[str]] = {}
    for name in (name for name in list_zones().values() if not name.startswith("Etc/")):
        found.setdefault(name.lower().rpartition("/")[2], []).append(name)
    return {city: names[0] for city, names in found.items() if len(names) == 1}
