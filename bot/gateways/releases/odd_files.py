"""What came in place of a file, where its first bytes tell: no attack, but a page, nothing, or the file unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

Oddity: TypeAlias = Literal["", "nothing at all", "a web page", "the archive unpacked on its way"]

LOOKED_AT = 1024
# Where the head of a tar says so (pax, "ustar Interchange Format").
TAR, TAR_AT = b"ustar", 257


def find_oddity(path: Path) -> Oddity:
    """What the file evidently is that no archive and no signature is, "" where it may be one. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
    if not head.strip(b"\0"):
        return "nothing at all"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "a web page"
    if head[TAR_AT:].startswith(TAR):
        return "the archive unpacked on its way"
    return ""
