"""The audit as a chain: each row holds the SHA-256 of the row before it, so that a changed journal contradicts itself.

What is hashed, and how, is final: rows that were sealed once must verify for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

# As much of a head as stands where people read it.
SHORT = 16


@dataclass(frozen=True)
class SealedRow:
    """A row of the audit. `before` is the seal of the upgrade's row before it, "" at the first one."""

    upgrade: str
    at: float
    actor: str
    action: str
    detail: str
    before: str = ""
    seal: str = ""


@dataclass(frozen=True)
class SealedEnd:
    """The head of an ended upgrade's chain, in the journal's own chain."""

    upgrade: str
    at: float
    head: str
    before: str = ""
    seal: str = ""


def compute_seal(row: SealedRow | SealedEnd) -> str:
    """The SHA-256 of all that a row says, the seal before it included."""
    said = [getattr(row, field.name) for field in fields(row) if field.name != "seal"]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8")).hexdigest()


def seal_row(row: SealedRow, before: str) -> SealedRow:
    """The row with its place in the chain."""
    placed = replace(row, before=before)
    return replace(placed, seal=compute_seal(placed))


def seal_end(end: SealedEnd, before: str) -> SealedEnd:
    """The same for an ended upgrade."""
    placed = replace(end, before=before)
    return replace(placed, seal=compute_seal(placed))


def find_breaks(rows: Sequence[SealedRow | SealedEnd]) -> list[str]:
    """What is wrong with a chain, a sentence each, with the number of the row; empty where it is whole."""
    places = {row.seal: number for number, row in enumerate(rows, 1)}
    found: list[str] = []
    expected = ""
    for number, row in enumerate(rows, 1):
        if compute_seal(row) != row.seal:
            found.append(f"row {number} ({name_row(row)}) was changed")
        if row.before != expected:
            found.append(_judge_place(number, row, places))
        expected = row.seal
    return found


def name_row(row: SealedRow | SealedEnd) -> str:
    """The row in a few words."""
    return f"{row.action} by {row.actor}" if isinstance(row, SealedRow) else f"the end of {row.upgrade}"


def _judge_place(number: int, row: SealedRow | SealedEnd, places: dict[str, int]) -> str:
    here = f"row {number} ({name_row(row)})"
    if not row.before:
        return f"{here} was the first one: what stands before it was inserted, or moved there"
    place = places.get(row.before)
    if place is None:
        return f"a row before {here} was removed or replaced"
    if place > number:
        return f"{here} was moved: it belongs behind row {place}"
    return f"what stands between row {place} and {here} was inserted, or moved there"


def seal_earlier(db: Database) -> None:
    """Seal the rows of a journal that was kept without a chain, and the upgrades that have ended in it."""
    heads: dict[str, str] = {}
    earlier = db.execute("select seq, upgrade, at, actor, action, detail from audit order by seq").fetchall()
    for seq, *said in earlier:
        row = seal_row(SealedRow(*said), heads.get(said[0], ""))
        db.execute("update audit set before = ?, seal = ? where seq = ?", [row.before, row.seal, seq])
        heads[row.upgrade] = row.seal
    last = ""
    for upgrade, at in db.execute("select id, ended_at from upgrades where ended_at is not null order by ended_at"):
        end = seal_end(SealedEnd(upgrade, at, heads.get(upgrade, "")), last)
        insert_end(db, end)
        last = end.seal


def insert_end(db: Database, end: SealedEnd) -> None:
    """Add an ended upgrade to the journal's own chain."""
    db.execute(
        "insert into ends (upgrade, at, head, before, seal) values (?, ?, ?, ?, ?)",
        [end.upgrade, end.at, end.head, end.before, end.seal],
    )
