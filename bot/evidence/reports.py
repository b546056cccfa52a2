"""The change record, and the audit alone, in each of their forms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, TypeAlias, assert_never

import msgspec

from bot.clock import Clock, SystemClock
from bot.evidence.html import write_html
from bot.evidence.markdown import write_audit_table, write_markdown
from bot.evidence.record import ChangeRecord, count_waited, read_record
from bot.evidence.sections import build_document
from bot.journal.journal import JournalView
from bot.journal.store import Store, StoredCopy
from bot.journal.verifying import Chains, write_rows
from bot.telling.reports import describe_link
from bot.telling.views import Views

ReportForm: TypeAlias = Literal["html", "md", "jsonl"]


class ChangeRecords:
    """Writes the records of a journal that is in use."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def write(self, upgrade: str) -> str:
        """The file for the thread of an upgrade."""
        return write_report(self._store, upgrade, "html", self._clock.now())


def write_report(store: Store | StoredCopy, upgrade: str, form: ReportForm, now: datetime) -> str:
    """The change record of an upgrade as a file's text; KeyError where there is no such upgrade."""
    record = read_record(store, upgrade, now)
    match form:
        case "html":
            return write_html(build_document(record))
        case "md":
            return write_markdown(build_document(record))
        case "jsonl":
            return write_json_lines(record)
        case _:
            assert_never(form)


def write_trail(copy: StoredCopy, upgrade: str, form: str) -> str:
    """The upgrade's audit as JSON lines or as a table of Markdown."""
    rows = Chains(copy).list_rows(upgrade)
    if form == "jsonl":
        return write_rows(rows)
    link = describe_link(Views(JournalView(copy), SystemClock()).read_view(upgrade))
    return write_audit_table(upgrade, rows, link.lstrip(", "))


def write_json_lines(record: ChangeRecord) -> str:
    """The whole file: the upgrade first, then its steps, questions with their cards, calls, pods and audit."""
    return "".join(f"{msgspec.json.encode(line).decode()}\n" for line in _list_lines(record))


def _list_lines(record: ChangeRecord) -> Iterator[object]:
    summary = {"source": record.source, "head": record.head, "way_back": record.way_back, "faults": record.faults}
    yield {"kind": "upgrade", "waited_seconds": round(count_waited(record), 3), **summary, "upgrade": record.upgrade}
    for kind, values in (
        ("step", record.steps),
        ("question", record.questions),
        ("call", record.calls),
        ("pod", record.ledger),
        ("audit", record.audit),
    ):
        yield from ({"kind": kind, kind: value} for value in values)
