"""Parcels: what was put away, a compressed file each, in a folder with a limit."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import file_digest
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


class Parcels:
    """The folder of parcels; it takes up to `limit` bytes. All methods may raise OSError."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder.absolute()
        self._limit = limit

    def pack(self, name: str, contents: Contents) -> Parcel:
        """The parcel of this name: the one that is there, which is whole, or a new one."""
        path = self._folder / f"{name}{ENDING}"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(path, contents)
        with path.open("rb") as file:
            return Parcel(path, file_digest(file, "sha256").hexdigest())

    def prune(self) -> list[str]:
        """Remove the parcels that were made first until the rest is within the limit; their names."""
        kept = sorted(self._folder.glob(f"*{ENDING}"), key=lambda path: (path.stat().st_mtime, path.name))
        total, removed = sum(path.stat().st_size for path in kept), list[str]()
        for path in kept:
            if total <= self._limit:
                break
            total -= path.stat().st_size
            path.unlink()
            removed.append(path.name)
        return removed

    def _write(self, path: Path, contents: Contents) -> None:
        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        with tarfile.open(part, "w:gz") as parcel:
            for name, text in contents.texts.items():
                add_text(parcel, name, text)
            for name, folder in contents.folders.items():
                parcel.add(folder, name, filter=choose_member)
        sync_file(part)
        part.replace(path)
        sync_folder(path.parent)


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
