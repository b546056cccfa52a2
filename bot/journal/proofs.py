"""Proofs that the bot itself wrote a row that a decision rests on: whoever writes into the file has no key for them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database

# What each proof is made over: all that counts of the row. A list is final for the rows that have such proofs.
PROVEN: Mapping[str, tuple[str, ...]] = {
    "approvals": (
        "upgrade",
        "step",
        "generation",
        "kind",
        "binding",
        "digest",
        "choice",
        "decided_by",
        "decided_at",
        "reason",
    ),
    "consents": ("upgrade", "step", "generation", "choice", "by", "at"),
    "clicks": ("id", "body"),
    "terms": ("upgrade", "step", "generation", "expires_at"),
    "memory": ("upgrade", "key", "value"),
    "schedules": ("upgrade", "starts", "ends", "zone", "by", "at", "revision"),
    "extensions": ("upgrade", "until", "by", "reason", "at"),
    "holds": ("upgrade", "why", "since", "until"),
    "upgrades": (
        "id",
        "cluster",
        "number",
        "requester",
        "channel",
        "release",
        "options",
        "address",
        "plan",
        "step",
        "generation",
        "state",
        "paused_by",
        "aborted_by",
        "due",
        "waiting_since",
        "sentence",
        "remedy",
        "created_at",
        "ended_at",
        "notes",
        "takes_back",
    ),
}
# By which columns a row is the same row in its next version; all are proven, and no two rows of a table agree in them.
ROWS: Mapping[str, tuple[str, ...]] = {
    "approvals": ("upgrade", "step", "generation"),
    "consents": ("upgrade", "step", "generation", "choice", "by"),
    "clicks": ("id",),
    "terms": ("upgrade", "step", "generation"),
    "memory": ("upgrade", "key"),
    "schedules": ("upgrade",),
    "extensions": PROVEN["extensions"],  # they never change
    "holds": ("upgrade",),
    "upgrades": ("id",),
}
# Table and column in which a proof stands, where that is not its name's own table and the column `proof`.
PLACES: Mapping[str, tuple[str, str]] = {"terms": ("approvals", "term_proof")}
# By the migration that brings proofs: the rows from before that are believed.
EARLIER: Mapping[str, Mapping[str, str]] = {
    "add_proofs": {"approvals": "state = 'decided'", "consents": "1", "clicks": "1"},
    "add_terms": {"terms": "1"},
    "prove_grounds": {"memory": "1", "upgrades": "1"},
    "link_returns": {"upgrades": "1"},
    "prove_times": {"schedules": "1", "extensions": "1", "holds": "1"},
}


# About 20 MB of rows; a fleet of 300 upgrades has as many notes.
MOST_FOUND = 30_000


@dataclass(frozen=True)
class Key:
    """The secret that proofs are made with; it is kept outside of the state folder."""

    secret: bytes = field(repr=False)
    # proof and values that were found to hold, the last of each row: a step reads a hundred notes at each look, and few
    # have changed
    _found: dict[tuple[object, ...], tuple[object, ...]] = field(default_factory=dict, repr=False, compare=False)

    def prove(self, table: str, row: Mapping[str, Any]) -> str:
        """The proof of a row."""
        said = json.dumps([table, *(row[name] for name in PROVEN[table])], ensure_ascii=False, separators=(",", ":"))
        return hmac.new(self.secret, said.encode(), hashlib.sha256).hexdigest()

    def holds(self, table: str, row: Mapping[str, Any]) -> bool:
        """Whether a row is as the bot wrote it, which writes no bytes."""
        proof = str(row[find_proof_place(table)[1]])
        this = (table, *(row[name] for name in ROWS[table]))
        found = (proof, *(part for name in PROVEN[table] for part in (type(row[name]), row[name])))
        if self._found.get(this) == found:
            return True
        try:
            holds = hmac.compare_digest(self.prove(table, row).encode(), proof.encode("utf-8", "replace"))
        except TypeError:
            return False
        if holds:
            self._keep(this, found)
        return holds

    def _keep(self, this: tuple[object, ...], found: tuple[object, ...]) -> None:
        if len(self._found) >= MOST_FOUND:
            self._found.clear()
        self._found[this] = found


def find_proof_place(name: str) -> tuple[str, str]:
    """The table and the column in which a proof of this name stands."""
    return PLACES.get(name, (name, "proof"))


def prove_rows(db: Database, key: Key, name: str, where: str, parameters: list[object]) -> None:
    """Write the proofs of rows that the bot has just written."""
    (table, column), names = find_proof_place(name), PROVEN[name]
    columns = ", ".join(f'"{one}"' for one in names)
    for number, *values in db.execute(f"select rowid, {columns} from {table} where {where}", parameters).fetchall():
        proof = key.prove(name, dict(zip(names, values, strict=True)))
        db.execute(f"update {table} set {column} = ? where rowid = ?", [proof, number])


def prove_earlier(db: Database, key: Key, migrations: Iterable[str]) -> None:
    """Prove what a journal holds on the day on which these migrations brought proofs, and never again."""
    for migration in migrations:
        for name, where in EARLIER.get(migration, {}).items():
            prove_rows(db, key, name, where, [])
