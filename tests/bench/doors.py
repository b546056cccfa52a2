"""What the worst text costs each whole door, from what is sent to what stands there afterwards."""

from __future__ import annotations

import io
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from tests.attacks.table import DOORS, Door
from tests.attacks.test_any_text import TRIES
from tests.bench.findings import Finding
from tests.unit.house.test_any_text import PIECES

TITLE = "The worst of texts of 3 kB, one piece again and again, through each whole door"
# As much as Slack lets somebody write into a field.
SIZE = 3_000
# A form has the text in nine fields, three times each, and Python's percent-decoding takes fifty bytes for one.
SECONDS, MEGABYTES = 1.0, 100.0
Send = Callable[[str], None]


def measure() -> list[Finding]:
    """Two numbers a door: the processor's time for the slowest text, and the most that one takes of memory."""
    texts = [(piece * (SIZE // len(piece) + 1))[:SIZE] for piece in PIECES if piece and piece != "\ud800"]
    return [finding for door in DOORS for finding in measure_door(door, texts)]


def measure_door(door: Door, texts: Sequence[str]) -> list[Finding]:
    """The slowest and the heaviest of the texts."""
    open_ground, launch = TRIES[door]
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()), open_ground(Path(folder)) as ground:

        def send(text: str) -> None:
            told = launch(ground, [text], random.Random(text))
            if told:
                raise AssertionError(f"{door}: {told}")

        send("warm")
        seconds = max((time_sending(send, text), text) for text in texts)
        megabytes = max((weigh_sending(send, text), text) for text in texts)
    return [
        Finding(f"{door}: the longest", seconds[0], "s of processor", SECONDS, how=f"of {seconds[1][:8]!r}"),
        Finding(f"{door}: the memory of the largest", megabytes[0], "MB", MEGABYTES, how=f"of {megabytes[1][:8]!r}"),
    ]


def time_sending(send: Send, text: str) -> float:
    """Seconds of the processor, in all threads: what stands behind a door has some of its own."""
    begun = time.process_time()
    send(text)
    return time.process_time() - begun


def weigh_sending(send: Send, text: str) -> float:
    """The most memory that the text took, in MB."""
    tracemalloc.start()
    try:
        send(text)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
