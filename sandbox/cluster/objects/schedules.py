"""Schedules of CronJobs: five fields with lists, ranges, steps and names, or @hourly and its kin, in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NAMED = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_PART = re.compile(r"^(?:(\*|\?)|(\w+)(?:-(\w+))?)(?:/(\d+))?$")
_EVERY = re.compile(r"^@every (?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$")
# The first that never comes is looked for so far ahead, as Kubernetes does it.
_MOST_YEARS = 5


class WrongSchedule(ValueError):
    """The text is no schedule; the message says why."""


@dataclass(frozen=True)
class Schedule:
    """When a CronJob is due. `starred` are day-of-month and day-of-week: both hold where one is *, else either does.

    `every` in seconds replaces the rest.
    """

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    starred: bool = True
    every: float = 0.0

    def next_after(self, moment: float) -> float | None:
        """Return the next time in seconds since the epoch, None where there is none for years."""
        if self.every:
            return float(int(moment) + self.every)
        at = datetime.fromtimestamp(moment, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        last = at.year + _MOST_YEARS
        while at.year <= last:
            if at.month not in self.months:
                at = (at.replace(day=1, hour=0, minute=0) + timedelta(days=32)).replace(day=1)
            elif not self._is_day(at):
                at = at.replace(hour=0, minute=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at += timedelta(minutes=1)
            else:
                return at.timestamp()
        return None

    def _is_day(self, at: datetime) -> bool:
        fits = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return all(fits) if self.starred else any(fits)


def read_schedule(text: str) -> Schedule:
    """Read a schedule. Raises WrongSchedule."""
    if found := _EVERY.match(text):
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return Schedule(every=float(max(hours * 3600 + minutes * 60 + seconds, 1)))
    if text.startswith("@") and text not in _NAMED:
        raise WrongSchedule(f"Unrecognized descriptor: {text}")
    fields = _NAMED.get(text, text).split()
    if len(fields) != 5:
        raise WrongSchedule(f"Expected exactly 5 fields, found {len(fields)}: {text}")
    minute, hour, day, month, weekday = fields
    return Schedule(
        _read_field(minute, 0, 59), _read_field(hour, 0, 23), _read_field(day, 1, 31),
        _read_field(month, 1, 12, _MONTHS), frozenset(n % 7 for n in _read_field(weekday, 0, 7, _DAYS)),
        starred=day[0] in "*?" or weekday[0] in "*?",
    )  # fmt: skip


def _read_field(field: str, least: int, most: int, names: list[str] | None = None) -> frozenset[int]:
    return frozenset(number for part in field.split(",") for number in _read_part(part, least, most, names or []))


def _read_part(part: str, least: int, most: int, names: list[str]) -> Iterator[int]:
    found = _PART.match(part)
    if not found:
        raise WrongSchedule(f"failed to parse int from {part}: it is no number, range or list")
    star, first, last, step = found.groups()
    begin = least if star else _read_number(first, least, names)
    end = most if star or (step and not last) else _read_number(last or first, least, names)
    if not least <= begin <= end <= most:
        raise WrongSchedule(f"{part} is not between {least} and {most}, or ends before it begins")
    if step is not None and int(step) == 0:
        raise WrongSchedule(f"Step of range should be a positive number: {part}")
    yield from range(begin, end + 1, int(step or 1))


def _read_number(text: str, least: int, names: list[str]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + (least if least == 1 else 0)
    if not text.isdecimal():
        raise WrongSchedule(f"failed to parse int from {text}: it is no number")
    return int(text)
