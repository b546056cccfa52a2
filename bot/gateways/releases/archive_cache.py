"""How much room archives and what was unpacked from them take, and taking away what was used longest ago."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Younger than this a release may be on its way into an upgrade's record.
UNTOUCHED_SECONDS = 24 * 3600.0
# A download that nobody went on with, and an archive put aside as evidence, are kept this long.
LEFT_OVER_SECONDS = 30 * 24 * 3600.0


@dataclass(frozen=True)
class Removed:
    """What was taken away: a release's name, or the name of a file; bytes; the seconds since it was used."""

    name: str
    size: int
    age: float


@dataclass(frozen=True)
class _Kept:
    sha256: str
    name: str
    size: int
    used: float


class ArchiveCache:
    """The folder of `ReleaseFilesGateway`, seen from outside. All methods may raise OSError."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder.absolute()
        self._clock = clock

    def prune(self, needed: Collection[str], limit: int) -> list[Removed]:
        """Remove the releases used longest ago until the rest is within `limit` bytes, and old left-overs.

        Releases whose SHA-256 is `needed` stay, whatever they take.
        """
        now = self._clock()
        removed = [self._remove_left_over(path, now) for path in self._list_left_overs(now)]
        kept = sorted(self._list_releases(), key=lambda release: release.used)
        total = sum(release.size for release in kept)
        for release in kept:
            if total <= limit:
                break
            if release.sha256 in needed or now - release.used < UNTOUCHED_SECONDS:
                continue
            self._remove(release)
            removed.append(Removed(release.name, release.size, now - release.used))
            total -= release.size
        return removed

    def _list_releases(self) -> Iterator[_Kept]:
        folders = (self._folder / "archives", self._folder / "unpacked")
        names = {path.name for folder in folders for path in _list_folder(folder) if not path.name.startswith(".")}
        for sha256 in names:
            places = [folder / sha256 for folder in folders if (folder / sha256).is_dir()]
            files = [path.name for place in places for path in _list_folder(place) if not path.name.endswith(".sig")]
            size = sum(_measure(place) for place in places)
            yield _Kept(sha256, min(files, default=sha256), size, max(place.stat().st_mtime for place in places))

    def _remove(self, release: _Kept) -> None:
        """First what says that it is there, so that a kill in between leaves nothing half believed."""
        for index in _list_folder(self._folder / "index"):
            with suppress(FileNotFoundError):
                if index.read_text() == release.sha256:
                    index.unlink()
        for folder in ("unpacked", "archives"):
            place = self._folder / folder / release.sha256
            if place.is_dir():
                beside = place.with_name(f".{release.sha256[:16]}.gone")
                shutil.rmtree(beside, ignore_errors=True)
                place.rename(beside)
                shutil.rmtree(beside)

    def _list_left_overs(self, now: float) -> list[Path]:
        found = [*_list_folder(self._folder / "downloads"), *_list_folder(self._folder / "rejected")]
        return [path for path in found if now - _find_last_write(path) > LEFT_OVER_SECONDS]

    def _remove_left_over(self, path: Path, now: float) -> Removed:
        removed = Removed(f"{path.parent.name}/{path.name}", _measure(path), now - _find_last_write(path))
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        return removed


def touch(folder: Path) -> None:
    """Note that what stands in the folder was used now."""
    with suppress(OSError):
        os.utime(folder)


def _list_folder(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _walk(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        yield from path.rglob("*")


def _measure(path: Path) -> int:
    return sum(found.lstat().st_size for found in _walk(path) if found.is_file() and not found.is_symlink())


def _find_last_write(path: Path) -> float:
    return max(found.lstat().st_mtime for found in _walk(path))
