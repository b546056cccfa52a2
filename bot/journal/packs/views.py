"""Lets SQL read packed rows beside those that are not: one view a table, with `whole_` before its name."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import structlog

from bot.journal.packs.forms import (
    NAMED,
    PARTS,
    BadPack,
    Cell,
    Columns,
    KnownColumn,
    Pack,
    PackColumn,
    PackedTable,
    PlainFile,
    StoredCell,
    list_rows,
    read_pack,
    show_cell,
    write_pack,
)

if TYPE_CHECKING:
    from sqlite_utils import Database

log = structlog.get_logger(__name__)
# So many bytes of each kind a connection knows decoded, of the packs that it read last; whatever it read last of all
# however large. One of 56 pods has 0.1 MB, or 0.4 with what was told: the last five of 150 clusters go into it.
MOST_KNOWN: Mapping[PackColumn, int] = {"kept": 32 * 2**20, "told": 8 * 2**20}
# Tables whose rows are in the order in which they were made, which no column says.
UNNUMBERED = ("steps",)
# What a row costs a column beside its cell.
POINTER = 8
# A pack's cells by table and column.
Cells: TypeAlias = dict[str, dict[str, tuple[Cell, ...]]]


@dataclass(frozen=True)
class KnownPack:
    """A pack as it was read; `why` says why it can't be."""

    body: object
    cells: Cells
    places: Mapping[str, str]
    size: int
    why: str = ""


class Unpacked:
    """The packs that a connection read last, for the functions that its views call."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._known: Mapping[PackColumn, dict[str, KnownPack]] = {part: {} for part in MOST_KNOWN}
        self._sizes: dict[PackColumn, int] = dict.fromkeys(MOST_KNOWN, 0)

    def list_places(self, upgrade: str, body: object, table: str) -> str:
        """The places of a table's rows in a pack, as JSON; whoever asks for their cells has called this before."""
        return self._read(PARTS[table], upgrade, body).places.get(table, "[]")

    def read_cell(self, upgrade: str, table: str, place: int, name: str, default: StoredCell) -> StoredCell:
        """A cell of a row; `default` where the column came later than the pack."""
        column = self._known[PARTS[table]][upgrade].cells[table].get(name)
        return default if column is None else show_cell(column[place])

    def find_fault(self, upgrade: str, kept: object, told: object) -> str:
        """Why one of the two halves can't be read; "" where both can."""
        return self._read("kept", upgrade, kept).why or self._read("told", upgrade, told).why

    def _read(self, part: PackColumn, upgrade: str, body: object) -> KnownPack:
        known = self._known[part]
        found = known.pop(upgrade, None)
        if found is not None:
            self._sizes[part] -= found.size
        if found is None or found.body != body:
            found = self._decode(upgrade, body)
        known[upgrade] = found
        self._sizes[part] += found.size
        while self._sizes[part] > MOST_KNOWN[part] and len(known) > 1:
            self._sizes[part] -= known.pop(next(iter(known))).size
        return found

    def _decode(self, upgrade: str, body: object) -> KnownPack:
        pack, why = read_or_log(upgrade, body, self._columns)
        cells = {table: dict(zip(rows.names, rows.columns, strict=True)) for table, rows in pack.items()}
        places = {table: write_places(table, rows) for table, rows in pack.items()}
        size = sys.getsizeof(body) + measure_pack(pack) + sum(map(len, places.values()))
        return KnownPack(body, cells, places, size, why)


def read_or_log(upgrade: str, body: object, columns: Columns) -> tuple[Pack, str]:
    """What a pack holds, or why it can't be read, which its upgrade's proofs and `verify` tell as well."""
    try:
        return read_pack(body, columns), ""
    except BadPack as fault:
        log.error("pack_unreadable", upgrade=upgrade, why=str(fault))
        return {}, str(fault)


def write_places(table: str, rows: PackedTable) -> str:
    """The places of rows as JSON.

    Where they are asked for by one column, they are listed under what that has, so that SQLite chooses by itself.
    """
    if table not in NAMED:
        return json.dumps(list(range(rows.size)))
    names = rows.columns[rows.names.index(NAMED[table])]
    # a name may come several times, which no dictionary holds
    return f"{{{','.join(f'{json.dumps(str(name))}:{place}' for place, name in enumerate(names))}}}"


def measure_pack(pack: Pack) -> int:
    """About how many bytes the cells take as they are known."""
    return sum(map(_measure_column, (cells for rows in pack.values() for cells in rows.columns)))


def _measure_column(cells: tuple[Cell, ...]) -> int:
    texts = sum(sys.getsizeof(cell.text) for cell in cells if isinstance(cell, PlainFile))
    return sum(map(sys.getsizeof, cells)) + texts + POINTER * len(cells)


def find_columns(read: Callable[[str, list[str]], Iterable[tuple[object, ...]]]) -> Columns:
    """The columns that each table has."""
    found = 'select name, "notnull", "notnull" and dflt_value is null from pragma_table_info(?)'
    return {
        table: {str(name): KnownColumn(bool(filled), bool(needed)) for name, filled, needed in read(found, [table])}
        for table in PARTS
    }


def add_views(connection: sqlite3.Connection) -> None:
    """Give a connection the views. Raises sqlite3.Error."""
    unpacked = Unpacked(find_columns(connection.execute))
    connection.create_function("packed_places", 3, unpacked.list_places)
    connection.create_function("packed_cell", 5, unpacked.read_cell)
    connection.create_function("packed_fault", 3, unpacked.find_fault)
    # a journal that no bot of this version has opened yet has none
    packed = bool(connection.execute("select 1 from sqlite_master where name = 'packs'").fetchall())
    for table in PARTS:
        columns = connection.execute(f"select name, dflt_value from pragma_table_info('{table}')").fetchall()
        if columns:
            connection.execute(f"create temp view whole_{table} as {write_view(table, columns, packed)}")
    # SQLite asks a view that is counted for each of its columns
    states = write_view("ledger", [("upgrade", None), ("state", None)], packed)
    connection.execute(f"create temp view whole_ledger_states as {states}")


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
    """Let the rows of an upgrade stand again, within the caller's transaction, each half of a pack by itself.

    A half stays packed that can't be read, or of which a row can't stand because another one has its place: the bot
    never packs one and leaves it, so that the other is somebody else's. That is logged, and `verify` tells it.
    """
    for kept, told in db.execute("select kept, told from packs where upgrade = ?", [upgrade]).fetchall():
        columns = find_columns(db.execute)
        left = [part for part, body in (("kept", kept), ("told", told)) if not _unpack(db, upgrade, body, columns)]
        if not left:
            db.execute("delete from packs where upgrade = ?", [upgrade])
        elif len(left) == 1:
            other = "told" if left == ["kept"] else "kept"
            db.execute(f"update packs set {other} = ? where upgrade = ?", [write_pack({}), upgrade])


def _unpack(db: Database, upgrade: str, body: object, columns: Columns) -> bool:
    """Whether all rows of a half stand again; none of them does otherwise."""
    pack, why = read_or_log(upgrade, body, columns)
    if why:
        return False
    db.execute("savepoint unpacking")
    try:
        for table, rows in pack.items():
            _insert(db, upgrade, table, rows)
    except sqlite3.IntegrityError as fault:
        log.error("pack_not_unpacked", upgrade=upgrade, why=str(fault))
        db.execute("rollback to unpacking")
        return False
    finally:
        db.execute("release unpacking")
    return True


def _insert(db: Database, upgrade: str, table: str, rows: PackedTable) -> None:
    names = ", ".join(f'"{name}"' for name in ("upgrade", *rows.names))
    marks = ", ".join("?" for _ in ("upgrade", *rows.names))
    cells = ([upgrade, *row.values()] for row in list_rows(rows))
    db.conn.executemany(f"insert into {table} ({names}) values ({marks})", cells)
