"""How many child programs may run at once, by the memory that the bot has."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from steps.contract.checks import Check, passed, warned
from steps.contract.wording import count_things

# The limit of a container, of either version of control groups, and what the machine has.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
MEMORY = Path("/proc/meminfo")
MOST = 4
MEGABYTE = 2**20
# What the bot takes itself, and what istioctl takes with its kubectl and our own (65 MB and 110 MB, measured).
OWN = 250 * MEGABYTE
ONE = 180 * MEGABYTE


@dataclass(frozen=True)
class Places:
    """So many programs at once, and so many more that finish what was begun or take it back."""

    most: int
    spare: int


def count_places(asked: int, memory: int) -> Places:
    """As many as were asked for and one to spare; with 0 as many as the memory holds together, at most MOST and one."""
    if asked:
        return Places(asked, 1)
    held = max(1, (memory - OWN) // ONE)
    spare = 1 if held > 1 else 0
    return Places(min(MOST, held - spare), spare)


def check_memory(asked: int, memory: int) -> Check:
    """Whether the memory holds the bot and the programs that it lets run at once."""
    most = count_places(asked, memory).most
    needed = OWN + most * ONE
    sentence = (
        f"{memory // MEGABYTE} MB for the bot and {count_things(most, 'program')} at once, which take up to "
        f"{needed // MEGABYTE} MB"
    )
    if memory >= needed:
        return passed("memory", sentence)
    return warned(
        "memory", sentence, "Give the bot more memory, or let ASM_UPGRADE_PROGRAMS be fewer: what has none is killed."
    )


def read_memory(limits: Iterable[Path] = LIMITS, memory: Path = MEMORY) -> int:
    """The bytes for the bot and its programs together; where nothing says so, enough for MOST and one."""
    found = [OWN + (MOST + 1) * ONE]
    for path in limits:
        with suppress(OSError, ValueError):
            found.append(int(path.read_text()))
    with suppress(OSError, ValueError, StopIteration):
        line = next(line for line in memory.read_text().splitlines() if line.startswith("MemTotal:"))
        found.append(int(line.split()[1]) * 1024)
    return min(found)
