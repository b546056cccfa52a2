"""What is on record, as files: ledgers, times for calendars, and a copy of all of it."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from bot.clock import SystemClock
from bot.evidence.reports import ReportForm, write_report, write_trail
from bot.gateways.backups import BackupsGateway
from bot.journal.journal import JournalView
from bot.journal.store import StoredCopy
from bot.journal.upkeep import copy_journal
from bot.schedule.calendar import Calendar
from bot.schedule.calendar_files import write_calendar, write_upgrade
from bot.schedule.tables import SchedulesView
from bot.settings.clusters import Cluster
from bot.telling.told import read_history, read_told
from steps.contract.ledger import LedgerEntry
from steps.phases.control_plane.archive import SUMS, list_changed_parts, read_sums, write_archive

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_ledger(entries: Sequence[LedgerEntry], form: str) -> str:
    """The ledger as csv with a heading, or as a JSON list."""
    if form == "json":
        return json.dumps([asdict(entry) for entry in entries], indent=2, ensure_ascii=False) + "\n"
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(LedgerEntry)], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: defuse(text) for name, text in asdict(entry).items()} for entry in entries)
    return text.getvalue()


def defuse(cell: str) -> str:
    """A cell that a spreadsheet reads as text: names and reasons come from others, and `=` would begin a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def write_audit(copy: StoredCopy, upgrade: str, form: str) -> str:
    """The upgrade's audit, as JSON lines or as a table."""
    return write_trail(copy, upgrade, form)


def write_record(copy: StoredCopy, upgrade: str, form: ReportForm) -> str:
    """The change record of an upgrade."""
    return write_report(copy, upgrade, form, SystemClock().now())


def write_backup(folder: Path, upgrade: str) -> tuple[str, tuple[str, ...]]:
    """The upgrade's backup as one file, "" where there is none, and what of it is not as it was kept."""
    parts = BackupsGateway(folder).read_all(upgrade)
    sums = read_sums(parts.pop(SUMS, ""))
    return (write_archive(upgrade, parts), list_changed_parts(sums, parts)) if parts else ("", ())


def write_told(copy: StoredCopy, target: str, file: str) -> str:
    """All that was told of an upgrade, or a file that it kept; LookupError where there is none."""
    return read_told(copy, target, file)


def write_history(copy: StoredCopy, target: str) -> str:
    """What became of upgrades and who decided; LookupError where there is none of that name."""
    return read_history(copy, target)


def write_time(copy: StoredCopy, upgrade: str) -> str:
    """An upgrade's time as an iCalendar file, "" where it has none."""
    now = SystemClock().now()
    entry = _read_calendar(copy, {}).enter_upgrade(upgrade, now)
    return write_upgrade(entry, now) if entry else ""


def write_fleet(copy: StoredCopy, clusters: Mapping[str, Cluster]) -> str:
    """The next 30 days of the fleet as an iCalendar file."""
    now = SystemClock().now()
    return write_calendar(_read_calendar(copy, clusters).list_fleet(now), now)


def _read_calendar(copy: StoredCopy, clusters: Mapping[str, Cluster]) -> Calendar:
    return Calendar(JournalView(copy), SchedulesView(copy), clusters)


def write_copy(journal: Path, file: Path) -> str:
    """Copy the journal while it may be in use; why that failed, "" where it did not."""
    try:
        copy_journal(journal, file)
    except OSError as error:
        return f"{file} can't be written: {error.strerror or error}"
    except sqlite3.Error as error:
        return f"{journal} can't be copied: {error}"
    return ""
