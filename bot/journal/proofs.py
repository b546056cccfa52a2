"""Proofs that the bot itself wrote a row that a decision rests on: whoever writes into the file has no key for them."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Key:
    """The secret that proofs are made with; it is kept outside of the state folder."""

    secret: bytes = field(repr=False)

    def prove(self, table: str, row: Mapping[str, Any]) -> str:
        """The proof of a row."""
        said = json.dumps([table, *(row[name] for name in PROVEN[table])], ensure_ascii=False, separators=(",", ":"))
        return hmac.digest(self.secret, said.encode(), "sha256").hex()

    def holds(self, table: str, row: Mapping[str, Any]) -> bool:
        """Whether a row is as the bot wrote it, which writes no bytes."""
        proof = str(row[find_proof_place(table)[1]])
        try:
            return hmac.compare_digest(self.prove(table, row).encode(), proof.encode("utf-8", "replace"))
        except TypeError:
            return False


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
