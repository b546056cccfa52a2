"""What an upgrade left on record, as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields

from steps.contract.ledger import LedgerEntry


def write_ledger(entries: Sequence[LedgerEntry], form: str) -> str:
    """The ledger as csv with a heading, or as a JSON list."""
    if form == "json":
        return json.dumps([asdict(entry) for entry in entries], indent=2, ensure_ascii=False) + "\n"
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(LedgerEntry)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in entries)
    return text.getvalue()
