"""How many child programs may run at once, by the memory that the bot has."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# The limit of a container, of either version of control groups, and what the machine has.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
MEMORY = Path("/proc/meminfo")
MOST = 4
MEGABYTE = 2**20
# What the bot takes itself, and what istioctl takes with its kubectl and our own (65 MB and 110 MB, measured).
OWN = 250 * MEGABYTE
ONE = 180 * MEGABYTE


def count_places(asked: int, memory: int) -> int:
    """As many as were asked for; with 0 as many as the memory holds, at most MOST."""
    return asked or min(MOST, max(1, (memory - OWN) // ONE))


def read_memory(limits: Iterable[Path] = LIMITS, memory: Path = MEMORY) -> int:
    """The bytes that there are for the bot and its programs together; where nothing says so, enough for MOST."""
    found = [OWN + MOST * ONE]
    for path in limits:
        with suppress(OSError, ValueError):
            found.append(int(path.read_text()))
    with suppress(OSError, ValueError, StopIteration):
        line = next(line for line in memory.read_text().splitlines() if line.startswith("MemTotal:"))
        found.append(int(line.split()[1]) * 1024)
    return min(found)
