"""What goes into a pack comes out of it, cell by cell."""

from __future__ import annotations

import lzma

import msgspec
import pytest

from bot.journal.bodies import FileBody, MilestoneBody, decode_body, encode_body
from bot.journal.packs.forms import BadPack, read_pack, restore_cell, show_cell, write_pack

LONG = "apiVersion: v1\n" * 400
CELLS = ("", "text", 'é "quoted" \\ \n\x00', 0, -1, 2**62, 1796090523.84858, 0.1, -0.0, 1e300, None)
# In an order and a form that the bot would not write.
FOREIGN = '{"text":"x","name":"n"}'


def test_a_cell_keeps_its_type() -> None:
    """An integer is none with a fraction, and a time is the same to its last bit: proofs are made of both."""
    (cells,) = read_pack(write_pack({"memory": [{"value": cell} for cell in CELLS]}))["memory"].columns
    assert [(type(cell), cell) for cell in map(restore_cell, cells)] == [(type(cell), cell) for cell in CELLS]


@pytest.mark.parametrize(
    "body", [encode_body(FileBody("plan.yaml", LONG)), encode_body(FileBody("a", "short")), FOREIGN, "[", ""]
)
def test_a_file_is_packed_once_and_says_the_same(body: str) -> None:
    """What is packed twice is packed badly; back in its row it is as it was."""
    packed = write_pack({"outbox": [{"kind": "file", "body": body}]})
    ((_, (cell,)),) = (rows.columns for rows in read_pack(packed).values())
    assert restore_cell(cell) == body
    assert decode_body("file", str(show_cell(cell))) == decode_body("file", body)
    assert len(packed) < 300


def test_only_files_are_looked_into() -> None:
    """Any other body is a text."""
    body = encode_body(MilestoneBody("done"))
    ((_, (cell,)),) = (
        rows.columns for rows in read_pack(write_pack({"outbox": [{"kind": "milestone", "body": body}]})).values()
    )
    assert cell == body


def press(pack: object) -> bytes:
    """A pack of one's own."""
    return lzma.compress(msgspec.msgpack.encode(pack))


BAD = {
    "a text": "pack",
    "nothing": b"",
    "noise": b"noise",
    "cut short": write_pack({"memory": [{"value": "x"}]})[:-20],
    "no pack": press([1]),
    "of another table": press({"upgrades": [["id"], [["x"]]]}),
    "uneven columns": press({"memory": [["key", "value"], [["x"], []]]}),
    "too few columns": press({"memory": [["key", "value"], [["x"]]]}),
    "a cell of another kind": press({"memory": [["key"], [[{"a": 1}]]]}),
}


@pytest.mark.parametrize("how", BAD)
def test_what_is_no_pack_is_told_so(how: str) -> None:
    """Whatever somebody put into the file."""
    with pytest.raises(BadPack):
        read_pack(BAD[how])


def test_bytes_are_not_packed() -> None:
    """The bot writes none: they stay where they are found."""
    with pytest.raises(BadPack, match="value has bytes"):
        write_pack({"memory": [{"value": b"x"}]})
