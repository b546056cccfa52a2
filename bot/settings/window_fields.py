"""Windows, freezes and reminder times as clusters.toml writes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from bot.windows.appointments import UnclearTime, parse_length, read_date, read_time, read_zone
from bot.windows.downtime import DAYS, Downtime, Freeze, Window

WindowTable: TypeAlias = Mapping[str, object]
WINDOW_KEYS = frozenset({"days", "hours", "zone"})
FREEZE_KEYS = frozenset({"from", "to", "zone", "reason"})


def check_windows(value: object) -> str:
    """What is wrong with `windows`, "" for nothing."""
    return _check_tables(value, WINDOW_KEYS, read_window)


def check_freezes(value: object) -> str:
    """What is wrong with `freezes`, "" for nothing."""
    return _check_tables(value, FREEZE_KEYS, read_freeze)


def check_lengths(value: object) -> str:
    """What is wrong with a list of lengths of time, "" for nothing."""
    fine = isinstance(value, list) and all(isinstance(item, str) and parse_length(item) for item in value)
    return "" if fine else 'must be a list of lengths of time, such as ["24h", "1h", "10m"]'


def read_downtime(
    windows: Sequence[WindowTable], freezes: Sequence[WindowTable], reminders: Sequence[str], repeats: Sequence[str]
) -> Downtime:
    """The downtime that checked fields describe."""
    return Downtime(
        windows=tuple(read_window(table) for table in windows),
        freezes=tuple(read_freeze(table) for table in freezes),
        leads=_read_lengths(reminders, longest_first=True),
        repeats=_read_lengths(repeats, longest_first=False),
    )


def read_window(table: WindowTable) -> Window:
    """A recurring window. Raises UnclearTime."""
    hours = re.fullmatch(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})", str(table["hours"]))
    if not hours:
        raise UnclearTime("hours", "hours must be written as 22:00-04:00")
    closes = time() if hours.group(2) == "24:00" else read_time(hours.group(2))
    return Window(read_days(table["days"]), read_time(hours.group(1)), closes, read_zone(str(table["zone"])))


def read_freeze(table: WindowTable) -> Freeze:
    """A freeze. Raises UnclearTime."""
    first, last = _read_day(table["from"]), _read_day(table["to"])
    if last < first:
        raise UnclearTime("to", f"it ends on {last}, before it begins on {first}")
    if not str(table["reason"]).strip():
        raise UnclearTime("reason", "reason must say why")
    return Freeze(first, last, read_zone(str(table["zone"])), str(table["reason"]).strip())


def read_days(value: object) -> tuple[int, ...]:
    """Weekdays from "mon-fri", "daily" or ["sat", "sun"]; 0 is Monday. Raises UnclearTime."""
    if value == "daily":
        return tuple(range(len(DAYS)))
    found: set[int] = set()
    for name in value if isinstance(value, list) else [value]:
        first, _, last = str(name).lower().partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise UnclearTime("days", f'days must be "daily", "mon-fri" or a list of {", ".join(DAYS)}')
        start, end = DAYS.index(first), DAYS.index(last or first)
        found |= {day % len(DAYS) for day in range(start, end + 1 if end >= start else end + len(DAYS) + 1)}
    if not found:
        raise UnclearTime("days", "days must name at least one day")
    return tuple(sorted(found))


def _check_tables(value: object, keys: frozenset[str], read: Callable[[WindowTable], object]) -> str:
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        return f"must be a list of tables with {', '.join(sorted(keys))}"
    for number, table in enumerate(value, 1):
        if set(table) != keys:
            return f"entry {number} must have exactly {', '.join(sorted(keys))}"
        try:
            read(table)
        except UnclearTime as unclear:
            return f"entry {number}: {str(unclear).rstrip('.')}"
    return ""


def _read_day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return read_date(value.isoformat())
    return read_date(str(value))


def _read_lengths(texts: Sequence[str], *, longest_first: bool) -> tuple[timedelta, ...]:
    lengths = {length for text in texts if (length := parse_length(text))}
    return tuple(sorted(lengths, reverse=longest_first))
