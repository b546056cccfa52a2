"""What goes into a pack comes out of it, cell by cell."""

from __future__ import annotations

import lzma
import tracemalloc

import msgspec
import pytest

from bot.journal.bodies import FileBody, MilestoneBody, decode_body, encode_body
from bot.journal.packs import forms
from bot.journal.packs.forms import (
    LARGEST_PACK,
    MOST_CELLS,
    BadPack,
    Columns,
    KnownColumn,
    read_pack,
    restore_cell,
    show_cell,
    write_checked_pack,
    write_pack,
)

LONG = "apiVersion: v1\n" * 400
MAY, FILLED, NEEDED = KnownColumn(), KnownColumn(filled=True), KnownColumn(filled=True, needed=True)
KNOWN: Columns = {
    "memory": {"upgrade": NEEDED, "key": NEEDED, "value": MAY},
    "outbox": {"upgrade": NEEDED, "seq": MAY, "kind": MAY, "body": MAY},
    "steps": {"upgrade": NEEDED, "step": NEEDED, "turns": FILLED},
    "ledger": {"upgrade": NEEDED, "uid": NEEDED, "state": NEEDED},
}
CELLS = ("", "text", 'é "quoted" \\ \n\x00', 0, -1, 2**62, 1796090523.84858, 0.1, -0.0, 1e300, None)
# In an order and a form that the bot would not write.
FOREIGN = '{"text":"x","name":"n"}'


def test_a_cell_keeps_its_type() -> None:
    """An integer is none with a fraction, and a time is the same to its last bit: proofs are made of both."""
    written = write_pack({"memory": [{"key": str(place), "value": cell} for place, cell in enumerate(CELLS)]})
    _, cells = read_pack(written, KNOWN)["memory"].columns
    assert [(type(cell), repr(cell)) for cell in map(restore_cell, cells)] == [
        (type(cell), repr(cell)) for cell in CELLS
    ]


@pytest.mark.parametrize(
    "body", [encode_body(FileBody("plan.yaml", LONG)), encode_body(FileBody("a", "short")), FOREIGN, "[", ""]
)
def test_a_file_is_packed_once_and_says_the_same(body: str) -> None:
    """What is packed twice is packed badly; back in its row it is as it was."""
    packed = write_pack({"outbox": [{"seq": 1, "kind": "file", "body": body}]})
    ((_, _, (cell,)),) = (rows.columns for rows in read_pack(packed, KNOWN).values())
    assert restore_cell(cell) == body
    assert decode_body("file", str(show_cell(cell))) == decode_body("file", body)
    assert len(packed) < 300


def test_only_files_are_looked_into() -> None:
    """Any other body is a text."""
    body = encode_body(MilestoneBody("done"))
    packed = write_pack({"outbox": [{"seq": 1, "kind": "milestone", "body": body}]})
    ((_, _, (cell,)),) = (rows.columns for rows in read_pack(packed, KNOWN).values())
    assert cell == body


def press(pack: object) -> bytes:
    """A pack of one's own."""
    return lzma.compress(msgspec.msgpack.encode(pack))


BAD = {
    "a text": "pack",
    "nothing": b"",
    "noise": b"noise",
    "cut short": write_pack({"memory": [{"key": "x"}]})[:-20],
    "no pack": press([1]),
    "of another table": press({"upgrades": [["id"], [["x"]]]}),
    "uneven columns": press({"memory": [["key", "value"], [["x"], []]]}),
    "too few columns": press({"memory": [["key", "value"], [["x"]]]}),
    "a cell of another kind": press({"memory": [["key"], [[{"a": 1}]]]}),
    "a column that is none": press({"memory": [["key"], [5]]}),
    "a column that the table has not": press({"memory": [["key", "nope"], [["x"], ["y"]]]}),
    "whose rows they are": press({"memory": [["key", "upgrade"], [["x"], ["y"]]]}),
    "a column twice": press({"memory": [["key", "key"], [["x"], ["x"]]]}),
    "no key": press({"memory": [["value"], [["x"]]]}),
    "a key that is a file": press({"outbox": [["seq"], [[["name", "", "text"]]]]}),
    "a key that is no number": press({"outbox": [["seq"], [[float("nan")]]]}),
    "nothing where something has to be": press({"steps": [["step", "turns"], [["x"], [None]]]}),
    "nothing to count": press({"ledger": [["uid"], [["x"]]]}),
    "a row twice": press({"memory": [["key", "value"], [["x", "x"], ["y", "z"]]]}),
    "a number of more than 64 bits": press({"steps": [["step", "turns"], [["x"], [2**64 - 1]]]}),
    "a number just too large": press({"steps": [["step", "turns"], [["x"], [2**63]]]}),
    "too many tables": press({str(table): [[], []] for table in range(6)}),
    "too many columns": press({"memory": [["key"] * 65, [["x"]] * 65]}),
}


@pytest.mark.parametrize("how", BAD)
def test_what_is_no_pack_is_told_so(how: str) -> None:
    """Whatever somebody put into the file."""
    with pytest.raises(BadPack):
        read_pack(BAD[how], KNOWN)


@pytest.mark.parametrize("shape", ["one column", "many columns"])
def test_cells_are_counted_before_they_are_decoded(shape: str) -> None:
    """A few kilobytes would take half a gigabyte."""
    count = 4 * MOST_CELLS if shape == "one column" else MOST_CELLS // 15
    column = b"\xdd" + count.to_bytes(4) + b"\xc0" * count
    columns = 1 if shape == "one column" else 61
    content = b"\x81\xa6memory\x92\x91\xa3key\xdc" + columns.to_bytes(2) + column * columns
    tracemalloc.start()
    try:
        with pytest.raises(BadPack, match="too large, with"):
            read_pack(lzma.compress(content, preset=0), KNOWN)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(content)
    finally:
        tracemalloc.stop()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """A thousandth of what a pack may have."""
    monkeypatch.setattr(forms, "LARGEST_PACK", LARGEST_PACK // 1024)
    monkeypatch.setattr(forms, "MOST_CELLS", MOST_CELLS // 1000)
    return LARGEST_PACK // 1024


def test_what_could_not_be_read_is_not_written(small: int) -> None:
    """The same limits hold for both."""
    with pytest.raises(BadPack, match="too large"):
        read_pack(press({"memory": [["key", "value"], [["x"], ["x" * small]]]}), KNOWN)
    with pytest.raises(BadPack, match="too large"):
        read_pack(press({"memory": [["key"], [list(map(str, range(MOST_CELLS // 1000 + 1)))]]}), KNOWN)
    with pytest.raises(BadPack, match="too large"):
        write_pack({"memory": [{"key": "x", "value": "x" * small}]})
    with pytest.raises(BadPack, match="too large"):
        write_pack({"memory": [{"key": "x"}] * (MOST_CELLS // 1000 + 1)})


def test_the_largest_pack_is_read(small: int) -> None:
    """To its last byte."""
    edge = small - len(msgspec.msgpack.encode({"memory": [["key"], [["x" * 2**13]]]})) + 2**13
    packed = write_pack({"memory": [{"key": "x" * edge}]})
    assert read_pack(packed, KNOWN)["memory"].columns == (("x" * edge,),)
    with pytest.raises(BadPack, match="too large"):
        write_pack({"memory": [{"key": "x" * (edge + 1)}]})


@pytest.mark.parametrize("broken", ["lost", "of another type", "a zero without its sign"])
def test_a_pack_that_reads_otherwise_is_none(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever may be wrong with writing or reading: rows go only when they have come back."""
    rows = [{"key": "a", "value": -0.0}, {"key": "b", "value": 1}]
    others = {
        "lost": rows[:1],
        "of another type": [rows[0], {"key": "b", "value": 1.0}],
        "a zero without its sign": [{"key": "a", "value": 0.0}, rows[1]],
    }[broken]
    assert write_checked_pack({"memory": rows}, KNOWN) == write_pack({"memory": rows})
    monkeypatch.setattr(forms, "write_pack", lambda _tables: write_pack({"memory": others}))
    with pytest.raises(BadPack, match="memory reads otherwise"):
        write_checked_pack({"memory": rows}, KNOWN)


def test_bytes_are_not_packed() -> None:
    """The bot writes none: they stay where they are found."""
    with pytest.raises(BadPack, match="value has bytes"):
        write_pack({"memory": [{"value": b"x"}]})
