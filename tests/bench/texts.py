"""What the worst text costs each reader of texts of others."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress

from tests.bench.findings import Finding
from tests.unit.house.test_any_text import PIECES, READERS

TITLE = "The worst of texts of 50 kB, one piece again and again, for each reader"
SIZE = 50_000
SECONDS, MEGABYTES = 1.0, 50.0
Read = Callable[[str], object]


def measure() -> list[Finding]:
    """The text that takes longest of all readers, and what the longest of each takes of memory."""
    texts = [(piece * (SIZE // len(piece) + 1))[:SIZE] for piece in PIECES if piece]
    worst = [find_slowest(name, read, texts) for name, (read, _) in READERS.items()]
    seconds, name, _ = max(worst)
    megabytes, largest = max((weigh_reading(READERS[reader][0], text), reader) for _, reader, text in worst)
    return [
        Finding("the longest reading", seconds, "s of processor", SECONDS, how=f"of {name}"),
        Finding("the memory of a longest reading", megabytes, "MB", MEGABYTES, how=f"of {largest}"),
    ]


def find_slowest(name: str, read: Read, texts: Sequence[str]) -> tuple[float, str, str]:
    """How long the text takes that takes one reader longest."""
    seconds, text = max((time_reading(read, text), text) for text in texts)
    return seconds, name, text


def time_reading(read: Read, text: str) -> float:
    """Seconds of the processor for one text, whatever is said of it."""
    begun = time.thread_time()
    with suppress(Exception):
        read(text)
    return time.thread_time() - begun


def weigh_reading(read: Read, text: str) -> float:
    """The most memory that one text took, in MB."""
    tracemalloc.start()
    try:
        with suppress(Exception):
            read(text)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
