"""Long texts in a fraction of their room, as columns of the journal keep them."""

from __future__ import annotations

import zlib
from base64 import b85decode, b85encode

LARGEST_PACKED = 64 * 2**20


def pack_text(text: str) -> str:
    """A text in about a sixth of its room, in letters that JSON keeps as they are."""
    return b85encode(zlib.compress(text.encode(), 9)).decode()


def unpack_text(packed: str) -> str:
    """The text that was packed. Raises ValueError where it is not one, or has more bytes than was ever packed."""
    reading = zlib.decompressobj()
    try:
        content = reading.decompress(b85decode(packed), LARGEST_PACKED)
    except zlib.error as error:
        raise ValueError(f"its text can't be unpacked: {error}") from error
    if not reading.eof:
        raise ValueError("its text is cut short, or too large")
    return content.decode()
