"""The change record in each of its forms."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias, assert_never

from bot.clock import Clock
from bot.evidence.html import write_html
from bot.evidence.json_lines import write_lines
from bot.evidence.markdown import write_markdown
from bot.evidence.record import read_record
from bot.evidence.sections import build_document
from bot.journal.store import Store, StoredCopy

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
            return write_lines(record)
        case _:
            assert_never(form)
