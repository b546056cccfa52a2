"""Where the files of tests are written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.memory import has_room, read_available

MEMINFO = "MemTotal:       24691664 kB\nMemFree:         9318172 kB\nMemAvailable:   18989284 kB\n"


def test_a_folder_with_room_is_taken(tmp_path: Path) -> None:
    """As a machine's shared memory is."""
    assert has_room(tmp_path, 1)


def test_a_full_a_missing_and_a_foreign_folder_are_left_alone(tmp_path: Path) -> None:
    """What cannot hold the files of a run is not begun with."""
    assert not has_room(tmp_path, 2**80)
    assert not has_room(tmp_path / "missing", 1)
    assert not has_room(Path("/proc"), 1)


def test_a_folder_that_starts_no_programs_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's shared memory often is mounted so; tests start istioctl from their folders."""
    found = os.statvfs(tmp_path)
    flags = found[8] | os.ST_NOEXEC
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*found[:8], flags, found[9])))
    assert not has_room(tmp_path, 1)


def test_the_memory_that_nobody_needs_is_read(tmp_path: Path) -> None:
    """In bytes; none where the system says nothing of it."""
    (tmp_path / "meminfo").write_text(MEMINFO)
    assert read_available(tmp_path / "meminfo") == 18_989_284 * 1024
    assert read_available(tmp_path / "missing") == 0
