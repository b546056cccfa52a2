"""Many clusters upgraded at once by one bot: what an upgrade costs the processor, and the bot the memory."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

from tests.bench.findings import Finding
from tests.bench.prepare import run_apart
from tests.memory import SHARED_MEMORY, has_room

TITLE = "Many clusters of 56 pods upgraded at once"
SIZES = tuple(int(size) for size in os.environ.get("ASM_BENCH_FLEET", "1 20 100 300").split())
SECONDS = 3600
CPU, MEMORY, QUEUE, MINUTES = 1.5, 200.0, 2.0, 15.0
BEHIND = "10"


def measure() -> list[Finding]:
    """Each size in a bot's process of its own; its programs and its world are counted apart.

    One upgrade alone, and then two sizes at a time, the largest first and before the others: a bot often waits for its
    programs and its world, so that together they take less time.
    """
    started = time.monotonic()
    alone, sizes = [size for size in SIZES if size == 1], sorted(set(SIZES) - {1}, reverse=True)
    measured = {size: measure_size(size) for size in alone}
    with ThreadPoolExecutor(2) as pool:
        begun = {size: pool.submit(measure_size, size, BEHIND if size in sizes[1:] else "0") for size in sizes}
    measured |= {size: future.result() for size, future in begun.items()}
    took = Finding("all sizes together", (time.monotonic() - started) / 60, "min", MINUTES, how="real time")
    return [*(finding for size in SIZES for finding in measured[size]), took]


def measure_size(size: int, nice: str = "0") -> list[Finding]:
    """So many upgrades at once, after one that takes what a process does once: imports, clients, what is unpacked."""
    variables = {"ASM_BENCH_COUNT": str(size), "ASM_BENCH_NICE": nice}
    found = run_apart("tests.bench.fleet_run", variables | choose_place(), SECONDS)
    apart = (
        f"after one that took {found['first']:.2f} s; stand-ins of programs took {found['programs'] / size:.1f} s each"
    )
    return [
        Finding(f"{size} at once: all upgraded", found["upgraded"], "upgrades", size, at_least=True, how="journal"),
        Finding(f"{size} at once: for each", found["seconds"] / size, "s of processor", CPU,
                how=f"{apart}, in {found['wall']:.0f} s of real time"),
        Finding(f"{size} at once: a step waits", found["p99"], "s", QUEUE,
                how="p99 from due to begun, on a clock that goes on with the processor's time"),
        Finding(f"{size} at once: peak memory of the bot", found["memory"] / 1e6, "MB", MEMORY, how="peak RSS"),
    ]  # fmt: skip


def choose_place() -> dict[str, str]:
    """What the run writes stays in memory where there is room, as with tests: to remove it from a disk took minutes."""
    return {"TMPDIR": str(SHARED_MEMORY)} if has_room(SHARED_MEMORY) else {}
