"""Parcels: what was put away, a compressed file each, in a folder with a limit."""

from __future__ import annotations

import errno
import io
import tarfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from itertools import count
from pathlib import Path

from bot.files import sync_file, sync_folder

ENDING = ".tar.gz"
# Of a program's folder: what it was reached with, what it learned on the way, and what the bot itself put there.
LEFT_OUT = frozenset({"kubeconfig.json", "home", "bin", "claims", "guard.py", "lock"})


@dataclass(frozen=True)
class Parcel:
    """A file that is whole."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Contents:
    """What goes into a parcel: texts by their names, and folders by the names that they have there."""

    texts: Mapping[str, str]
    folders: Mapping[str, Path]

    def measure(self) -> int:
        """How many bytes they are before they are compressed."""
        files = (path for folder in self.folders.values() for path in folder.rglob("*"))
        return sum(len(text.encode(errors="replace")) for text in self.texts.values()) + sum(
            path.lstat().st_size for path in files
        )


class Parcels:
    """The parcels of one journal, up to `limit` bytes, in a folder that others may use too.

    `mark` is the journal's; all its parcels begin with it. All methods may raise OSError.
    """

    def __init__(self, folder: Path, limit: int, mark: str, measure_room: Callable[[Path], int]) -> None:
        self._folder = folder.absolute()
        self._limit = limit
        self._mark = mark
        self._measure_room = measure_room

    def pack(self, name: str, contents: Contents) -> Parcel:
        """The parcel of this name: the one that is there, which is whole, or a new one where the disk has room.

        One that lacks some of the texts is from before these came: there is another one then, with a number.
        """
        names = (name if number == 1 else f"{name}-{number}" for number in count(1))
        paths = (self._folder / f"{self._mark}-{one}{ENDING}" for one in names)
        path = next(one for one in paths if not one.exists() or holds_texts(one, contents.texts))
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._check_room(contents.measure())
            self._write(path, contents)
        with path.open("rb") as file:
            return Parcel(path, file_digest(file, "sha256").hexdigest())

    def prune(self) -> list[str]:
        """Remove the journal's parcels that were made first until the rest is within the limit; their names."""
        own = self._folder.glob(f"{self._mark}-*{ENDING}")
        kept = sorted(
            (path for path in own if path.is_file() and not path.is_symlink()),
            key=lambda path: (path.stat().st_mtime, path.name),
        )
        total, removed = sum(path.stat().st_size for path in kept), list[str]()
        for path in kept:
            if total <= self._limit:
                break
            total -= path.stat().st_size
            path.unlink()
            removed.append(path.name)
        return removed

    def _check_room(self, size: int) -> None:
        room = self._measure_room(self._folder)
        if room < size:
            why = f"there is room for {room} bytes, and {size} would go into a parcel"
            raise OSError(errno.ENOSPC, why, str(self._folder))

    def _write(self, path: Path, contents: Contents) -> None:
        """Half a parcel is never left on a disk that may be full; what a kill left is written anew."""
        part = path.with_name(f".{path.name}.part")
        try:
            part.unlink(missing_ok=True)
            part.touch(mode=0o600)
            fill_parcel(part, contents)
            sync_file(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(path.parent)


def holds_texts(path: Path, texts: Mapping[str, str]) -> bool:
    """Whether the parcel has all these texts. Raises OSError."""
    try:
        with tarfile.open(path) as parcel:
            found = {name: parcel.extractfile(name) for name in texts}
            return all(file and file.read() == texts[name].encode(errors="replace") for name, file in found.items())
    except (KeyError, EOFError, tarfile.TarError, zlib.error):
        return False


def fill_parcel(path: Path, contents: Contents) -> None:
    """Write what goes into a parcel."""
    with tarfile.open(path, "w:gz") as parcel:
        for name, text in contents.texts.items():
            add_text(parcel, name, text)
        for name, folder in contents.folders.items():
            parcel.add(folder, name, filter=choose_member)


def add_text(parcel: tarfile.TarFile, name: str, text: str) -> None:
    """One more file of a parcel."""
    content = text.encode(errors="replace")
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    parcel.addfile(member, io.BytesIO(content))


def choose_member(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Files and folders go in, credentials and what only the run itself needed do not."""
    plain = member.isfile() or member.isdir()
    return member if plain and not LEFT_OUT & set(Path(member.name).parts) else None


def name_texts(files: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Texts by names that lead nowhere else; of the same name each has its own."""
    return {f"files/{number:03d}-{name.replace('/', '_')}": text for number, (name, text) in enumerate(files, 1)}
