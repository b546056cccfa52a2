"""Packs what is kept of an upgrade once it has ended, all of it is sent, and nothing is expected of it any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.journal.packs.forms import PARTS, BadPack, PackColumn, Rows, write_pack
from bot.journal.store import Row, Store

# The button of the way back stays for 72 hours unless it is set otherwise. What comes later unpacks it once more.
QUIET = timedelta(hours=80)
READY = """
    select 1 from upgrades where id = ? and ended_at < ?
        and not exists (select 1 from packs where upgrade = upgrades.id)
        and not exists (select 1 from approvals where upgrade = upgrades.id and state = 'open')
        and not exists (
            select 1 from outbox where upgrade = upgrades.id and (revision > sent_revision or created_at > ?))
"""
# What stays a row: what is asked for across upgrades, what other tables refer to, and the last message, so that SQLite
# gives the number of no packed one again.
LAST = "(select max(seq) from outbox as later where later.upgrade = outbox.upgrade)"
GOING: Mapping[str, str] = {
    "outbox": f"trouble = '' and seq < {LAST} "
    "and kind in ('milestone', 'progress', 'gate', 'blocked', 'file', 'finished')",
    "memory": "1",
    "ledger": "1",
    "approvals": "not exists (select 1 from consents where consents.upgrade = approvals.upgrade"
    " and consents.step = approvals.step and consents.generation = approvals.generation)",
    "steps": "1",
}


class Packing:
    """Packs upgrades, each in a transaction of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_due(self, now: datetime) -> list[str]:
        """The upgrades that ended long enough ago and are not packed, the first to end first."""
        rows = self._store.read(
            "select id from upgrades where ended_at < ? "
            "and not exists (select 1 from packs where upgrade = upgrades.id) order by ended_at",
            [(now - QUIET).timestamp()],
        )
        return [str(row["id"]) for row in rows]

    def pack(self, upgrade: str, now: datetime) -> bool:
        """Whether the upgrade was packed: False where something is expected of it yet, or where it just changed.

        What takes time is done before the transaction, and nobody waits for it.
        """
        found = self._read(upgrade, now)
        if not found:
            return False
        try:
            kept, told = _write(found, "kept"), _write(found, "told")
        except BadPack:  # somebody else's row stays where it is found
            return False
        with self._store.transact() as db:
            if self._read(upgrade, now) != found:
                return False
            for table in PARTS:
                db.execute(f"delete from {table} where upgrade = ? and {GOING[table]}", [upgrade])
            db.execute(
                "insert into packs (upgrade, at, kept, told) values (?, ?, ?, ?)",
                [upgrade, now.timestamp(), kept, told],
            )
        return True

    def _read(self, upgrade: str, now: datetime) -> dict[str, Rows]:
        """What goes of it, by table; nothing where it isn't ready."""
        quiet = (now - QUIET).timestamp()
        with self._store.read_together():
            if not self._store.read(READY, [upgrade, quiet, quiet]):
                return {}
            return {table: self._read_table(table, upgrade) for table in PARTS}

    def _read_table(self, table: str, upgrade: str) -> list[Row]:
        return self._store.read(f"select * from {table} where upgrade = ? and {GOING[table]} order by rowid", [upgrade])


def _write(found: Mapping[str, Rows], part: PackColumn) -> bytes:
    return write_pack({table: list(map(_without_upgrade, found[table])) for table in PARTS if PARTS[table] == part})


def _without_upgrade(row: Row) -> Row:
    return {name: cell for name, cell in row.items() if name != "upgrade"}
