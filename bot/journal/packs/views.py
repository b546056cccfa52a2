"""Lets SQL read packed rows beside those that are not: one view a table, with `whole_` before its name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import structlog

from bot.journal.packs.forms import (
    PARTS,
    BadPack,
    Cell,
    Pack,
    PackColumn,
    PackedTable,
    StoredCell,
    read_pack,
    restore_cell,
    show_cell,
)

if TYPE_CHECKING:
    from sqlite_utils import Database

log = structlog.get_logger(__name__)
# So many packs of each kind a connection knows, the last ones that it read; one has 0.1 MB, or 0.4 with what was told.
MOST_KNOWN: Mapping[PackColumn, int] = {"kept": 64, "told": 2}
# Tables whose rows are in the order in which they were made, which no column says.
UNNUMBERED = ("steps",)
# By table the column that its rows are asked for by.
NAMED: Mapping[str, str] = {"memory": "key"}
# A pack's cells by table and column.
Cells: TypeAlias = dict[str, dict[str, tuple[Cell, ...]]]


class Unpacked:
    """The packs that a connection read last, for the functions that its views call."""

    def __init__(self) -> None:
        self._known: Mapping[PackColumn, dict[str, tuple[object, Cells]]] = {part: {} for part in MOST_KNOWN}

    def list_places(self, upgrade: str, body: object, table: str) -> str:
        """The places of a table's rows in a pack, as JSON; whoever asks for their cells has called this before.

        Where rows are asked for by one column, they are listed under what that has, so that SQLite chooses by itself.
        """
        cells = self._read(PARTS[table], upgrade, body).get(table, {})
        places = range(len(next(iter(cells.values()), ())))
        if table not in NAMED:
            return json.dumps(list(places))
        names = map(str, cells.get(NAMED[table], ()))
        return json.dumps(dict(zip(names, places, strict=False)), ensure_ascii=False)

    def read_cell(self, upgrade: str, table: str, place: int, name: str, default: StoredCell) -> StoredCell:
        """A cell of a row; `default` where the column came later than the pack."""
        column = self._known[PARTS[table]][upgrade][1][table].get(name)
        return default if column is None else show_cell(column[place])

    def _read(self, part: PackColumn, upgrade: str, body: object) -> Cells:
        known = self._known[part]
        found = known.pop(upgrade, None)
        if found is None or found[0] != body:
            pack = read_or_log(upgrade, body)
            found = (body, {table: dict(zip(rows.names, rows.columns, strict=True)) for table, rows in pack.items()})
        if len(known) >= MOST_KNOWN[part]:
            del known[next(iter(known))]
        known[upgrade] = found
        return found[1]


def read_or_log(upgrade: str, body: object) -> Pack:
    """What a pack holds; nothing where it can't be read, which its upgrade's proofs and `verify` tell as well."""
    try:
        return read_pack(body)
    except BadPack as fault:
        log.error("pack_unreadable", upgrade=upgrade, why=str(fault))
        return {}


def add_views(connection: sqlite3.Connection) -> None:
    """Give a connection the views. Raises sqlite3.Error."""
    unpacked = Unpacked()
    connection.create_function("packed_places", 3, unpacked.list_places)
    connection.create_function("packed_cell", 5, unpacked.read_cell)
    # a journal that no bot of this version has opened yet has none
    packed = bool(connection.execute("select 1 from sqlite_master where name = 'packs'").fetchall())
    for table in PARTS:
        columns = connection.execute(f"select name, dflt_value from pragma_table_info('{table}')").fetchall()
        if columns:
            connection.execute(f"create temp view whole_{table} as {write_view(table, columns, packed)}")


def write_view(table: str, columns: list[tuple[str, str | None]], packed: bool) -> str:
    """The rows of a table as they stand, with those that are packed; `place` is the order of rows that name none."""
    number, place = (", rowid as place", ", json_each.value") if table in UNNUMBERED else ("", "")
    names = ", ".join(f'"{name}"' for name, _ in columns)
    standing = f"select {names}{number} from {table}"
    cells = ", ".join(_write_cell(table, name, default) for name, default in columns)
    inside = f"from packs, json_each(packed_places(packs.upgrade, packs.{PARTS[table]}, '{table}'))"
    return f"{standing} union all select {cells}{place} {inside}" if packed else standing


def _write_cell(table: str, name: str, default: str | None) -> str:
    if name == "upgrade":  # whose a row is says the pack's own row, which is what is looked for
        return "packs.upgrade"
    if NAMED.get(table) == name:
        return "json_each.key"
    return f"packed_cell(packs.upgrade, '{table}', json_each.value, '{name}', {default or 'null'})"


def unpack_rows(db: Database, upgrade: str) -> None:
    """Let the rows of an upgrade stand again, within the caller's transaction; a pack that can't be read stays.

    A row that stands wins: the bot never packs one and leaves it, so that the other is somebody else's.
    """
    for kept, told in db.execute("select kept, told from packs where upgrade = ?", [upgrade]).fetchall():
        try:
            pack = read_pack(kept) | read_pack(told)
        except BadPack:
            return
        for table, rows in pack.items():
            _insert(db, upgrade, table, rows)
        db.execute("delete from packs where upgrade = ?", [upgrade])


def _insert(db: Database, upgrade: str, table: str, rows: PackedTable) -> None:
    names = ", ".join(f'"{name}"' for name in ("upgrade", *rows.names))
    marks = ", ".join("?" for _ in ("upgrade", *rows.names))
    cells = ([upgrade, *map(restore_cell, row)] for row in zip(*rows.columns, strict=True))
    db.conn.executemany(f"insert or ignore into {table} ({names}) values ({marks})", cells)
