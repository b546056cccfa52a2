"""Texts that were packed, and what only looks like one."""

from __future__ import annotations

import json
import zlib
from base64 import b85encode

import pytest

from bot.journal.bodies import FileBody, UnreadableBody, decode_body
from bot.journal.schema.packed_texts import LARGEST_PACKED, pack_text


@pytest.mark.parametrize("packed", ["", "?", "\\", pack_text("x" * 900)[:-5], pack_text("x")[5:], 5, None, "é"])
def test_a_text_that_cannot_be_unpacked_is_an_unreadable_body(packed: object) -> None:
    """Torn, or never packed; nothing else is held up by it."""
    stored = json.dumps({"name": "a.txt", "made": "", "packed": packed})
    assert isinstance(decode_body("file", stored), UnreadableBody if packed else FileBody)


def test_a_text_that_unpacks_to_more_than_was_ever_packed_is_refused() -> None:
    """Whoever can write the journal fills no memory with it."""
    packed = b85encode(zlib.compress(bytes(LARGEST_PACKED + 1), 9)).decode()
    assert isinstance(decode_body("file", json.dumps({"packed": packed})), UnreadableBody)
