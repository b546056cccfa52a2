"""The lock by which a child program shows that it runs."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path


def list_locks(runs: Path) -> list[Path]:
    """The locks of all runs, looked for at each turn."""
    try:
        with os.scandir(runs) as places:
            locks = [Path(place.path, "lock") for place in places]
    except FileNotFoundError:
        return []
    return [lock for lock in locks if lock.exists()]


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
