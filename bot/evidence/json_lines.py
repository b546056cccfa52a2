"""The record as JSON lines, for programs: one object a line, each with its `kind`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from bot.evidence.record import ChangeRecord, count_waited


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
