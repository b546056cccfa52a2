"""Plugin: what the tests write stays in memory where the machine has room, for there no sync waits for a disk.

The bot syncs whatever it must not lose, more than a thousand times an upgrade, and a test's files need not outlive it.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")
MEMORY = Path("/proc/meminfo")
# pytest's own variable: where it makes the folder that holds every tmp_path.
ROOT = "PYTEST_DEBUG_TEMPROOT"
# And where every program makes such folders of its own.
OTHERS = "TMPDIR"
ROOM = 3_000_000_000
SPARE = 6_000_000_000


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder, unless somebody chose one; the workers and the programs that they start take it over."""
    chosen = config.option.basetemp or any(os.environ.get(name) for name in (ROOT, OTHERS))
    if not chosen and has_room(SHARED_MEMORY) and read_available(MEMORY) >= SPARE:
        os.environ[ROOT] = os.environ[OTHERS] = str(SHARED_MEMORY)
        tempfile.tempdir = None  # was chosen before, for what the tests print


def pytest_report_header() -> str:
    """Say where the files of tests are."""
    return f"files of tests in {os.environ.get(ROOT) or 'the folder for temporary files'}"


def has_room(folder: Path, room: int = ROOM) -> bool:
    """Whether this many bytes may be written there, and programs be started from there."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return (
        os.access(folder, os.W_OK | os.X_OK)
        and not found.f_flag & os.ST_NOEXEC
        and found.f_bavail * found.f_frsize >= room
    )


def read_available(meminfo: Path) -> int:
    """The bytes of memory that nobody needs; none where the system doesn't say."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found.group(1)) * 1024 if found else 0
