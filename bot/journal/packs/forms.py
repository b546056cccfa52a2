"""What a pack is: rows of one upgrade, table by table and column by column, compressed at once."""

from __future__ import annotations

import lzma
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from bot.journal.bodies import FileBody, decode_body, encode_body
from bot.journal.schema.packed_texts import LARGEST_PACKED

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


class PlainFile(Struct, frozen=True, array_like=True):
    """The body of a file without the packing of its own: what is packed twice is packed badly."""

    name: str
    made: Literal["", "change record"]
    text: str


# As SQLite gives them and takes them again, each with its own type; the bot writes no bytes.
StoredCell: TypeAlias = int | float | str | None
Cell: TypeAlias = int | float | str | PlainFile | None
Rows: TypeAlias = Sequence[Mapping[str, Any]]


class PackedTable(Struct, frozen=True, array_like=True):
    """The rows of a table: the names of its columns, and the cells of each."""

    names: tuple[str, ...]
    columns: tuple[tuple[Cell, ...], ...]

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.columns[0]) if self.columns else 0


Pack: TypeAlias = dict[str, PackedTable]


class BadPack(ValueError):
    """A pack can't be read or made; its words are a phrase."""


def write_pack(tables: Mapping[str, Rows]) -> bytes:
    """A pack of these rows by table; of one table all have the same columns. Raises BadPack where one holds bytes."""
    pack = {table: _turn(rows) for table, rows in tables.items() if rows}
    return lzma.compress(msgspec.msgpack.encode(pack), lzma.FORMAT_XZ, filters=FILTERS)


def read_pack(body: object) -> Pack:
    """What a pack holds. Raises BadPack."""
    if not isinstance(body, bytes):
        raise BadPack("it is no bytes")
    reading = lzma.LZMADecompressor(lzma.FORMAT_XZ, LARGEST_READER)
    try:
        content = reading.decompress(body, LARGEST_PACKED)
        pack = msgspec.msgpack.decode(content, type=Pack) if reading.eof else None
    except (lzma.LZMAError, msgspec.MsgspecError, EOFError, RecursionError) as fault:
        raise BadPack(str(fault)) from fault
    if pack is None or not all(table in PARTS and _is_even(rows) for table, rows in pack.items()):
        raise BadPack("it is cut short, too large, or uneven")
    return pack


def is_pack(body: object) -> bool:
    """Whether a pack can be read."""
    try:
        read_pack(body)
    except BadPack:
        return False
    return True


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


def _is_even(table: PackedTable) -> bool:
    return len(table.names) == len(table.columns) and all(len(cells) == table.size for cells in table.columns)
