"""The lock by which a child program shows that it runs."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def is_any_locked(runs: Path) -> bool:
    """Whether any run's program runs, when each had a moment to end; asked at each turn, so no path is taken apart."""
    try:
        with os.scandir(runs) as places:
            locks = [f"{place.path}/lock" for place in places]
    except FileNotFoundError:
        return False
    return any(_is_held(lock) and is_locked(Path(lock)) for lock in locks)


def _is_held(lock: str) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def is_locked(path: Path, seconds: float = 0.2) -> bool:
    """Whether a child program holds the file; waits a moment for its end."""
    end = time.monotonic() + seconds
    with path.open("rb") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    return True
                time.sleep(0.005)  # a busy wait would take the processor that the program needs to end
            else:
                return False


def kill_group(lock: Path, seconds: float = 20.0) -> None:
    """Kill the program that holds the file and its children, once it has written down its process; it is free then."""
    end = time.monotonic() + seconds
    while not (process := lock.read_text().strip()) and time.monotonic() < end:
        time.sleep(0.005)
    with suppress(ProcessLookupError):
        os.killpg(int(process), signal.SIGKILL)
    assert not is_locked(lock, seconds), f"{lock} is still held"
