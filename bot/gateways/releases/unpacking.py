"""Unpacking that trusts nothing in an archive: only files, folders and links within one folder come out of it."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from steps.contract.errors import GiveUp

CHUNK = 256 * 1024
REMEDY = "Don't use this archive: compare its source and its SHA-256 with the release notes, and report it."


@dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may hold; bytes. The real one unpacks to about 200 MB in 1,000 files."""

    total: int = 2_000_000_000
    entries: int = 50_000


class Unpacking:
    """One archive being unpacked into `target`, of which only `folder` (the guide's istio-VERSION) may appear."""

    def __init__(self, target: Path, folder: str, limits: ArchiveLimits | None = None) -> None:
        self._target = target
        self._folder = folder
        self._limits = limits or ArchiveLimits()
        self._left = self._limits.total
        self._entries = 0
        self._links: set[PurePosixPath] = set()

    def unpack(self, archive: Path) -> None:
        """Unpack a .tar.gz or a .zip. GiveUp names the first entry that is unsafe; raises OSError of the disk."""
        try:
            if archive.suffix == ".zip":
                self._unpack_zip(archive)
            else:
                self._unpack_tar(archive)
        except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise GiveUp(f"{archive.name} is not a whole archive: {error}", REMEDY) from error
        self._check_links()

    def _unpack_tar(self, archive: Path) -> None:
        # As a stream: headers are believed one at a time, and nothing is read twice.
        with tarfile.open(archive, "r|gz") as tar:
            for entry in tar:
                path = self._admit(entry.name, entry.size if entry.isreg() else 0)
                if entry.isdir():
                    self._make_folder(path)
                elif entry.isreg() and not entry.issparse():
                    source = tar.extractfile(entry)
                    assert source is not None
                    self._write_file(path, source, executable=bool(entry.mode & 0o111))
                elif entry.issym():
                    self._make_link(path, entry.linkname)
                elif entry.islnk():
                    self._repeat_file(path, self._admit(entry.linkname, 0))
                else:
                    raise _refuse(entry.name, "is neither a file nor a folder nor a link")

    def _unpack_zip(self, archive: Path) -> None:
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                path = self._admit(entry.filename, entry.file_size)
                mode = entry.external_attr >> 16
                if entry.flag_bits & 0x1:
                    raise _refuse(entry.filename, "is encrypted")
                if entry.is_dir():
                    self._make_folder(path)
                elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
                    with packed.open(entry) as source:
                        self._write_file(path, source, executable=bool(mode & 0o111))
                else:
                    raise _refuse(entry.filename, "is neither a file nor a folder")

    def _admit(self, name: str, size: int) -> PurePosixPath:
        """The entry's place, after every check that needs no look at the disk."""
        path = PurePosixPath(name)
        if path.is_absolute() or "\\" in name or "\x00" in name or ":" in name.split("/")[0]:
            raise _refuse(name, "has an absolute or foreign name")
        if ".." in path.parts:
            raise _refuse(name, "leads out of its folder")
        if not path.parts or path.parts[0] != self._folder:
            raise _refuse(name, f"is outside of {self._folder}")
        if any(parent in self._links for parent in path.parents):
            raise _refuse(name, "lies behind a link")
        self._entries += 1
        self._left -= size
        if self._left < 0:
            raise _refuse(name, f"would make more than {self._limits.total / 1e9:g} GB")
        if self._entries > self._limits.entries:
            raise _refuse(name, f"is one too many: an archive may hold {self._limits.entries} entries")
        return path

    def _make_folder(self, path: PurePosixPath) -> None:
        (self._target / path).mkdir(parents=True, exist_ok=True)

    def _write_file(self, path: PurePosixPath, source: IO[bytes], executable: bool) -> None:
        place = self._make_room(path)
        with self._create(place, 0o755 if executable else 0o644) as file:
            shutil.copyfileobj(_Counted(source, self._left_for(path)), file, CHUNK)
            file.flush()
            os.fsync(file.fileno())

    def _left_for(self, path: PurePosixPath) -> Callable[[int], None]:
        # A zip's directory may lie about sizes: what really comes out is counted against the limit as well.
        budget = self._limits.total

        def count(received: int) -> None:
            nonlocal budget
            budget -= received
            if budget < 0:
                raise _refuse(str(path), f"unpacks to more than {self._limits.total / 1e9:g} GB")

        return count

    def _make_link(self, path: PurePosixPath, target: str) -> None:
        if PurePosixPath(target).is_absolute():
            raise _refuse(str(path), "links out of its folder")
        self._make_room(path).symlink_to(target)
        self._links.add(path)

    def _repeat_file(self, path: PurePosixPath, original: PurePosixPath) -> None:
        if original in self._links or not (self._target / original).is_file():
            raise _refuse(str(path), "is a link to something that is not in the archive")
        self._make_room(path).hardlink_to(self._target / original)

    def _make_room(self, path: PurePosixPath) -> Path:
        place = self._target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(place):
            raise _refuse(str(path), "appears twice")
        return place

    def _create(self, place: Path, mode: int) -> IO[bytes]:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        os.fchmod(descriptor, mode)
        return os.fdopen(descriptor, "wb")

    def _check_links(self) -> None:
        root = (self._target / self._folder).resolve()
        for link in self._links:
            if not (self._target / link).resolve().is_relative_to(root):
                raise _refuse(str(link), "links out of its folder")


class _Counted:
    """A reader that tells how much was read."""

    def __init__(self, source: IO[bytes], count: Callable[[int], None]) -> None:
        self._source = source
        self._count = count

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self._count(len(chunk))
        return chunk


def _refuse(name: str, why: str) -> GiveUp:
    return GiveUp(f"the archive's entry {name!r} {why}", REMEDY)
