"""The room that archives take on disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bot.gateways.releases.archive_cache import ArchiveCache

NOW = time.time()
DAY = 86_400.0
OLD, OLDER, OLDEST = "a" * 64, "b" * 64, "c" * 64


def age(path: Path, days: float) -> None:
    """Let a file or a folder with all it holds be so old."""
    for found in (*path.rglob("*"), path):
        os.utime(found, (NOW - days * DAY, NOW - days * DAY))


def keep_release(folder: Path, sha256: str, days: float) -> None:
    """A release of 2,000 bytes, half of them unpacked, used so long ago."""
    archive = folder / "archives" / sha256 / f"istio-{sha256[0]}.tar.gz"
    program = folder / "unpacked" / sha256 / f"istio-{sha256[0]}" / "bin" / "istioctl"
    for path in (archive, program):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 1000)
    index = folder / "index" / sha256[:16]
    index.parent.mkdir(exist_ok=True)
    index.write_text(sha256)
    for place in (archive.parent, folder / "unpacked" / sha256):
        age(place, days)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three releases, used two to four days ago."""
    for days, sha256 in ((2, OLD), (3, OLDER), (4, OLDEST)):
        keep_release(tmp_path, sha256, days)
    return tmp_path


def list_kept(folder: Path) -> set[str]:
    """The releases that are there in full."""
    archives, unpacked = ({path.name for path in (folder / name).iterdir()} for name in ("archives", "unpacked"))
    assert archives == unpacked == {path.read_text() for path in (folder / "index").iterdir()}
    return archives


def test_within_its_bounds_nothing_is_removed(folder: Path) -> None:
    """However old it is."""
    assert ArchiveCache(folder, lambda: NOW).prune((), 6000) == []
    assert list_kept(folder) == {OLD, OLDER, OLDEST}


def test_what_was_used_longest_ago_goes_first(folder: Path) -> None:
    """Archive, unpacked files and index entry; its name and size are told."""
    (removed,) = ArchiveCache(folder, lambda: NOW).prune((), 5999)
    assert (removed.name, removed.size, round(removed.age / DAY)) == ("istio-c", 2000, 4)
    assert list_kept(folder) == {OLD, OLDER}


def test_what_is_needed_stays(folder: Path) -> None:
    """Whatever room it takes."""
    ArchiveCache(folder, lambda: NOW).prune({OLDEST, OLDER}, 0)
    assert list_kept(folder) == {OLDER, OLDEST}


def test_what_was_used_today_stays(folder: Path) -> None:
    """It may be on its way into an upgrade's record."""
    age(folder / "unpacked" / OLDEST, 0.5)
    ArchiveCache(folder, lambda: NOW).prune((), 0)
    assert list_kept(folder) == {OLDEST}


def test_old_left_overs_go(tmp_path: Path) -> None:
    """A download that nobody went on with; a fresh one stays."""
    for name, days in (("old", 31), ("fresh", 29)):
        part = tmp_path / "downloads" / name / "istio.tar.gz.part"
        part.parent.mkdir(parents=True)
        part.write_bytes(b"x" * 10)
        age(part.parent, days)
    (removed,) = ArchiveCache(tmp_path, lambda: NOW).prune((), 10**9)
    assert (removed.name, removed.size) == ("downloads/old", 10)
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == ["fresh"]


def test_an_old_archive_put_aside_goes(tmp_path: Path) -> None:
    """Evidence is kept for a month."""
    rejected = tmp_path / "rejected" / "istio.tar.gz"
    rejected.parent.mkdir()
    rejected.write_bytes(b"x")
    os.utime(rejected, (NOW - 31 * DAY, NOW - 31 * DAY))
    ArchiveCache(tmp_path, lambda: NOW).prune((), 10**9)
    assert not rejected.exists()


def test_no_folder_is_nothing_to_do(tmp_path: Path) -> None:
    """Before the first download."""
    assert ArchiveCache(tmp_path / "none", lambda: NOW).prune((), 0) == []
