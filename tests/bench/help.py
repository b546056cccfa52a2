"""How long `asm-upgrade --help` takes, beside a Python that only imports click."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.findings import Finding

TITLE = "asm-upgrade --help"
ROUNDS = 15


def measure() -> list[Finding]:
    """Median of interleaved runs."""
    program = [str(Path(sys.executable).with_name("asm-upgrade")), "--help"]
    peer = [sys.executable, "-c", "import click"]
    times = [(time_run(program), time_run(peer)) for _ in range(ROUNDS + 1)][1:]
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return [
        Finding("time to the help text", ours, "s", 0.3, how=f"median of {ROUNDS}"),
        Finding("beside a Python that imports click alone", ours / theirs, "times", 4, how="interleaved runs"),
    ]


def time_run(command: Sequence[str]) -> float:
    """Seconds that a command takes."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return time.perf_counter() - begun
