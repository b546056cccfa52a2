"""Files that are either there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

LARGEST = 1024 * 1024
# Bytes of a disk that nothing which could wait takes.
RESERVE = 100 * 10**6


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file by another one: written beside it, synced, renamed."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_synced(beside, content, mode)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_once(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file unless one of that name is there; the first one stays."""
    if path.exists():
        return
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_synced(beside, content, mode)
        path.hardlink_to(beside)
    except FileExistsError:
        return
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def read_bounded(path: Path, largest: int = LARGEST) -> str:
    """The text of a file that a person wrote. Raises ValueError where it is too large or not UTF-8."""
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it is larger than {largest // 1024} KiB")
    return content.decode()


def measure_room(folder: Path) -> int:
    """How many bytes may still be written into the folder, so that what runs beside has a reserve. Raises OSError."""
    return max(0, shutil.disk_usage(folder).free - RESERVE)


def sync_file(path: Path) -> None:
    """Make what somebody else wrote into the file durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_synced(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
