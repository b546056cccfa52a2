"""Downloads in slices: each call asks for what is still missing and stops after some seconds."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.files import write_atomically
from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall
from bot.gateways.calls.web_faults import judge_shorter
from bot.gateways.releases.web_files import open_client, open_file
from steps.contract.documents import read_count
from steps.contract.errors import GiveUp

if TYPE_CHECKING:
    import httpx

CHUNK = 256 * 1024
WHOLE_SECONDS = 1800.0
SPARE_BYTES = 64_000_000
RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


@dataclass(frozen=True)
class FetchState:
    """What is known of a file while it is fetched: its validator for If-Range, and its size (0 while unknown)."""

    validator: str = ""
    total: int = 0


@dataclass(frozen=True)
class Slice:
    """How far a file is; bytes."""

    received: int
    total: int
    complete: bool


class Slices:
    """Fetches files by HTTP, resuming where the last slice, or the last run of the bot, stopped.

    `limits` are the seconds to connect and to wait for the next bytes.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        slice_seconds: float = 5.0,
        limits: tuple[float, float] = (5.0, 10.0),
    ) -> None:
        self._clock = clock
        self._slice_seconds = slice_seconds
        self._limits = limits
        self._lock = threading.Lock()
        self._opened: httpx.Client | None = None

    def fetch_slice(self, call: OutsideCall, url: str, part: Path) -> Slice:
        """Append what arrives within the slice to `part`. Complete means that all bytes are on disk and synced.

        A server that ignores Range, or tells no validator, is read to its end in one go: it could never be resumed.
        """
        notes = read_notes(part)
        offset = measure_file(part) if notes.validator else 0
        if notes.total and offset == notes.total:
            return Slice(offset, notes.total, complete=True)
        try:
            with open_file(self._client(), call, url, _ask_rest(offset, notes)) as response:
                if response.status_code == 416:
                    part.unlink(missing_ok=True)
                    raise judge_shorter(call)
                return self._receive(response, part, offset, notes)
        except OSError as error:
            raise faults.judge_disk(error, part, notes.total) from error

    def fetch_small(self, call: OutsideCall, url: str, most: int) -> bytes:
        """A small file whole. GiveUp where it is larger than `most` bytes, TryAgain where it is a page for people."""
        content = b""
        with open_file(self._client(), call, url) as response:
            for chunk in response.iter_raw(CHUNK):
                content += chunk
                if len(content) > most:
                    break
        if faults.is_page(content):
            raise faults.judge_garbled(call, content)
        if len(content) > most:
            raise GiveUp(f"{url} is larger than {most} bytes", "Check the address in the release file.")
        return content

    def close(self) -> None:
        """Close the idle connections; the next call opens new ones."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def _receive(self, response: httpx.Response, part: Path, offset: int, notes: FetchState) -> Slice:
        total = _read_total(response)
        resumed = response.status_code == 206 and _read_start(response) == offset
        if not resumed:
            notes = FetchState(_read_validator(response), total)
            part.unlink(missing_ok=True)
            write_atomically(notes_path(part), json.dumps(asdict(notes)).encode())
        _check_room(part, total - offset if resumed else total)
        resumable = notes.validator and (resumed or offset == 0)
        ended = self._append(response, part, self._slice_seconds if resumable else WHOLE_SECONDS)
        received = measure_file(part)
        return Slice(received, total, complete=received == total if total else ended)

    def _append(self, response: httpx.Response, part: Path, limit: float) -> bool:
        """Write chunks until the slice is over (False) or the file ends (True), then sync."""
        ends = self._clock() + limit
        ended = True
        with part.open("ab") as file:
            for chunk in response.iter_raw(CHUNK):
                file.write(chunk)
                if self._clock() >= ends:
                    ended = False
                    break
            file.flush()
            os.fsync(file.fileno())
        return ended

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._opened is None:
                self._opened = open_client(self._limits)
            return self._opened


def notes_path(part: Path) -> Path:
    """Where the notes on a part are kept."""
    return part.with_name(f"{part.name}.json")


def read_notes(part: Path) -> FetchState:
    """The notes on a part; empty ones where there are none or they can't be read."""
    try:
        return FetchState(**json.loads(notes_path(part).read_text()))
    except (OSError, ValueError, TypeError):
        return FetchState()


def measure_file(path: Path) -> int:
    """The size of a file in bytes, 0 where it is absent."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _ask_rest(offset: int, notes: FetchState) -> dict[str, str]:
    return {"Range": f"bytes={offset}-", "If-Range": notes.validator} if offset else {}


def _read_validator(response: httpx.Response) -> str:
    """What If-Range may carry: a strong ETag, else the date of the last change."""
    etag = response.headers.get("ETag", "")
    return str(etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", ""))


def _read_start(response: httpx.Response) -> int:
    found = RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else -1


def _read_total(response: httpx.Response) -> int:
    found = RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found:
        return 0 if found.group(2) == "*" else int(found.group(2))
    length = response.headers.get("Content-Length", "")
    return read_count(length)


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed + SPARE_BYTES > free:
        raise GiveUp(
            f"the disk of {part.parent} has {free / 1e6:.0f} MB free and the archive needs {needed / 1e6:.0f} MB",
            f"Free at least {(needed + SPARE_BYTES) / 1e6:.0f} MB there, then retry.",
        )
