"""Which bytes a request asks for (RFC 9110, section 14): one range, with If-Range."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

SINGLE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class NotSatisfiable(Exception):
    """The range lies outside the file: the answer is 416."""


@dataclass(frozen=True)
class Slice:
    """Bytes `start` up to, not including, `end`; `partial` tells a 206 from a 200."""

    start: int
    end: int
    partial: bool


def requested_slice(headers: Mapping[str, str], etag: str, size: int, ignore_range: bool = False) -> Slice:
    """Return the bytes to send. Raises NotSatisfiable; a range that isn't one single range is ignored."""
    whole = Slice(0, size, partial=False)
    if ignore_range or headers.get("If-Range", etag) != etag:
        return whole
    match = SINGLE_RANGE.fullmatch(headers.get("Range", ""))
    if match is None or not any(match.groups()):
        return whole
    first, last = match.groups()
    if not first:
        return _suffix(int(last), size)
    start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= size:
        raise NotSatisfiable
    return Slice(start, end, partial=True) if start < end else whole


def _suffix(length: int, size: int) -> Slice:
    if not length or not size:
        raise NotSatisfiable
    return Slice(max(0, size - length), size, partial=True)
