"""Packs what is kept of an upgrade once it has ended, all of it is sent, and nothing is expected of it any more."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.journal.packs.forms import PARTS, Columns, PackColumn, Rows, write_checked_pack
from bot.journal.packs.views import find_columns
from bot.journal.store import Row, Store

# The button of the way back stays for 72 hours unless it is set otherwise. What comes later unpacks it once more.
QUIET = timedelta(hours=80)
# How many times a pack's bytes its transaction may write: pages of the rows that go, and of their indexes.
SPREAD = 20
READY = """
    ended_at < :quiet
        and not exists (select 1 from packs where upgrade = upgrades.id)
        and not exists (select 1 from approvals where upgrade = upgrades.id and state = 'open')
        and not exists (
            select 1 from outbox where upgrade = upgrades.id and (revision > sent_revision or created_at > :quiet))
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
    """Packs upgrades, each in a transaction of its own, where the disk has room for it."""

    def __init__(self, store: Store, measure_room: Callable[[], int]) -> None:
        self._store = store
        self._measure_room = measure_room

    def list_due(self, now: datetime, most: int) -> list[str]:
        """The upgrades that are ready to be packed, the first to end first."""
        asked = {"most": most, **_since(now)}
        rows = self._store.read(f"select id from upgrades where {READY} order by ended_at limit :most", asked)
        return [str(row["id"]) for row in rows]

    def pack(self, upgrade: str, now: datetime) -> bool:
        """Whether the upgrade was packed: False where something is expected of it yet, or where it just changed.

        What takes time is done before the transaction, and nobody waits for it. Raises BadPack where its rows would not
        come out of a pack as they are; OSError where the disk may not take it.
        """
        found = self._read(upgrade, now)
        if not found:
            return False
        columns = find_columns(self._store.read_values)
        kept, told = _write(found, "kept", columns), _write(found, "told", columns)
        self._check_room(len(kept) + len(told))
        with self._store.rearrange() as db:
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
        with self._store.read_together():
            if not self._store.read(
                f"select 1 from upgrades where id = :id and {READY}", {"id": upgrade, **_since(now)}
            ):
                return {}
            return {table: self._read_table(table, upgrade) for table in PARTS}

    def _read_table(self, table: str, upgrade: str) -> list[Row]:
        return self._store.read(f"select * from {table} where upgrade = ? and {GOING[table]} order by rowid", [upgrade])

    def _check_room(self, size: int) -> None:
        """Rows that go are copied into the WAL page by page, as is the pack."""
        room = self._measure_room()
        if room < SPREAD * size:
            raise OSError(errno.ENOSPC, f"there is room for {room} bytes, and {SPREAD * size} may be written")


def _since(now: datetime) -> dict[str, object]:
    return {"quiet": (now - QUIET).timestamp()}


def _write(found: Mapping[str, Rows], part: PackColumn, columns: Columns) -> bytes:
    tables = {table: list(map(_without_upgrade, found[table])) for table in PARTS if PARTS[table] == part}
    return write_checked_pack(tables, columns)


def _without_upgrade(row: Row) -> Row:
    return {name: cell for name, cell in row.items() if name != "upgrade"}
