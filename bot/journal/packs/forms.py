"""What a pack is: rows of one upgrade, table by table and column by column, compressed at once."""

from __future__ import annotations

import lzma
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

from bot.journal.bodies import FileBody, decode_body, encode_body

PackColumn: TypeAlias = Literal["kept", "told"]
# By table the column of `packs` that its rows are in: what is shown of an upgrade at a glance needs nothing of all that
# was told of it, which is most.
PARTS: Mapping[str, PackColumn] = {
    "outbox": "told",
    "memory": "kept",
    "ledger": "kept",
    "approvals": "kept",
    "steps": "kept",
}
# A dictionary no larger than a few packs: xz takes ten times its room to write, 8 MB of it by itself.
FILTERS: Sequence[Mapping[str, Any]] = ({"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 2**20},)
LARGEST_READER = 64 * 2**20
# What is larger stays in rows, and is no pack where it is read: an upgrade of 10,000 pods has a fourth of both. A cell
# of one byte takes up to sixty once it is decoded, so that cells are counted before that.
LARGEST_PACK = 16 * 2**20
MOST_CELLS = 500_000
MOST_COLUMNS = 64
LARGEST_INTEGER = 2**63
# By table what no two rows of an upgrade have in common.
KEYS: Mapping[str, tuple[str, ...]] = {
    "outbox": ("seq",),
    "memory": ("key",),
    "ledger": ("uid",),
    "approvals": ("step", "generation"),
    "steps": ("step",),
}
# By table the column that its rows are asked for by, or counted: SQLite has it without calling for each cell.
NAMED: Mapping[str, str] = {"memory": "key", "ledger": "state", "steps": "step"}


class PlainFile(Struct, frozen=True, array_like=True):
    """The body of a file without the packing of its own: what is packed twice is packed badly."""

    name: str
    made: Literal["", "change record"]
    text: str


# As SQLite gives them and takes them again, each with its own type; the bot writes no bytes.
StoredCell: TypeAlias = int | float | str | None
Cell: TypeAlias = int | float | str | PlainFile | None
Rows: TypeAlias = Sequence[Mapping[str, Any]]


class KnownColumn(Struct, frozen=True):
    """What a column of a table asks of its cells: whether none is null, and whether there is no default."""

    filled: bool = False
    needed: bool = False


# The columns that each table of the journal has, by name.
Columns: TypeAlias = Mapping[str, Mapping[str, KnownColumn]]


class PackedTable(Struct, frozen=True, array_like=True):
    """The rows of a table: the names of its columns, and the cells of each."""

    names: tuple[str, ...]
    columns: tuple[tuple[Cell, ...], ...]

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.columns[0]) if self.columns else 0


Pack: TypeAlias = dict[str, PackedTable]


class CountedTable(Struct, frozen=True, array_like=True):
    """The same while its cells are no values yet."""

    names: Annotated[tuple[str, ...], Meta(max_length=MOST_COLUMNS)]
    columns: Annotated[tuple[Raw, ...], Meta(max_length=MOST_COLUMNS)]


CountedPack: TypeAlias = Annotated[dict[str, CountedTable], Meta(max_length=len(PARTS))]


class BadPack(ValueError):
    """A pack can't be read or made; its words are a phrase."""


def write_pack(tables: Mapping[str, Rows]) -> bytes:
    """A pack of these rows by table; of one table all have the same columns. Raises BadPack where it would be none."""
    pack = {table: _turn(rows) for table, rows in tables.items() if rows}
    content = msgspec.msgpack.encode(pack)
    _check_size(len(content), sum(len(rows.names) * rows.size for rows in pack.values()))
    return lzma.compress(content, lzma.FORMAT_XZ, filters=FILTERS)


def read_pack(body: object, known: Columns) -> Pack:
    """What a pack holds, all of which the tables take. Raises BadPack."""
    if not isinstance(body, bytes):
        raise BadPack("it is no bytes")
    reading = lzma.LZMADecompressor(lzma.FORMAT_XZ, LARGEST_READER)
    try:
        pack = _decode(reading.decompress(body, LARGEST_PACK + 1))
    except (lzma.LZMAError, msgspec.MsgspecError, EOFError, RecursionError) as fault:
        raise BadPack(str(fault)) from fault
    for table, rows in pack.items():
        if why := _find_fault(table, rows, known.get(table, {})):
            raise BadPack(f"{why} of {table}")
    if not reading.eof:
        raise BadPack("it is cut short")
    return pack


def write_checked_pack(tables: Mapping[str, Rows], known: Columns) -> bytes:
    """The same as `write_pack`, read back: each cell is found in it as it was. Raises BadPack."""
    body = write_pack(tables)
    pack = read_pack(body, known)
    for table, rows in tables.items():
        if not _are_same(rows, list_rows(pack[table]) if table in pack else []):
            raise BadPack(f"{table} reads otherwise than it was written")
    return body


def list_rows(table: PackedTable) -> list[Mapping[str, StoredCell]]:
    """The rows of a table, each just as it was."""
    return [dict(zip(table.names, map(restore_cell, cells), strict=True)) for cells in zip(*table.columns, strict=True)]


def restore_cell(cell: Cell) -> StoredCell:
    """A cell just as the row had it."""
    return encode_body(FileBody(cell.name, cell.text, cell.made)) if isinstance(cell, PlainFile) else cell


def show_cell(cell: Cell) -> StoredCell:
    """A cell as readers take it: a file's body says the same as the row did, without the packing of its own."""
    if not isinstance(cell, PlainFile):
        return cell
    return msgspec.json.encode(FileBody(cell.name, cell.text, cell.made)).decode()


def _turn(rows: Rows) -> PackedTable:
    names = tuple(rows[0])
    cells = ([_take_cell(row, name) for name in names] for row in rows)
    return PackedTable(names, tuple(zip(*cells, strict=True)))


def _take_cell(row: Mapping[str, Any], name: str) -> Cell:
    cell: Cell = row[name]
    if isinstance(cell, bytes):
        raise BadPack(f"{name} has bytes")
    if name != "body" or row.get("kind") != "file" or not isinstance(cell, str):
        return cell
    body = decode_body("file", cell)
    if not isinstance(body, FileBody) or encode_body(body) != cell:
        return cell
    return PlainFile(body.name, body.made, body.text)


def _check_size(size: int, cells: int) -> None:
    if size > LARGEST_PACK or cells > MOST_CELLS:
        raise BadPack(f"it is too large, with {size} bytes and {cells} cells")


def _decode(content: bytes) -> Pack:
    if len(content) > LARGEST_PACK:
        raise BadPack(f"it is too large, with more than {LARGEST_PACK} bytes")
    counted = msgspec.msgpack.decode(content, type=CountedPack)
    _check_size(len(content), sum(_count_cells(column) for rows in counted.values() for column in rows.columns))
    return {
        table: PackedTable(
            rows.names, tuple(msgspec.msgpack.decode(column, type=tuple[Cell, ...]) for column in rows.columns)
        )
        for table, rows in counted.items()
    }


def _count_cells(column: Raw) -> int:
    """How many an array of MessagePack says that it has; what is none has none, and is refused when it is decoded."""
    first, *size = bytes(memoryview(column)[:5])
    match first:
        case 0xDC:
            return int.from_bytes(size[:2])
        case 0xDD:
            return int.from_bytes(size)
        case _:
            return first & 0x0F


def _find_fault(table: str, rows: PackedTable, known: Mapping[str, KnownColumn]) -> str:
    """Why the rows can't stand in their table; "" where they can."""
    names, columns, keys = rows.names, rows.columns, KEYS.get(table, ())
    if len(names) != len(columns) or any(len(cells) != rows.size for cells in columns):
        return "the columns are uneven"
    needed = {*keys, *(name for name, column in known.items() if column.needed and name != "upgrade")}
    if len(set(names)) < len(names) or "upgrade" in names or not needed <= {*names} <= {*known}:
        return "the columns are others than those"
    if any(known[name].filled and None in cells for name, cells in zip(names, columns, strict=True)):
        return "a cell is missing in the columns"
    numbers = (cell for cells in columns for cell in cells if isinstance(cell, int))
    if any(not -LARGEST_INTEGER <= number < LARGEST_INTEGER for number in numbers):
        return "a number is too large in the columns"
    keyed = set(zip(*(columns[names.index(key)] for key in keys), strict=True))
    if not all(isinstance(cell, str | int) for cells in keyed for cell in cells):
        return "a key is neither a text nor a number in the columns"
    return "a row is twice in the columns" if len(keyed) < rows.size else ""


def _are_same(rows: Rows, others: Rows) -> bool:
    """Whether all cells are the same, types and signs of zeros included."""
    return list(map(_type_cells, rows)) == list(map(_type_cells, others))


def _type_cells(row: Mapping[str, Any]) -> dict[str, tuple[type, object]]:
    return {name: (type(cell), repr(cell) if isinstance(cell, float) else cell) for name, cell in row.items()}
