"""The port `ReleaseFiles`: archives fetched in slices, verified, kept by SHA-256 and unpacked."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bot.files import sync_folder, write_atomically
from bot.gateways.calls.faults import OutsideCall, judge_disk
from bot.gateways.releases.archive_cache import touch
from bot.gateways.releases.archive_shelf import ArchiveShelf
from bot.gateways.releases.signatures import BadSignature, FoundFile, find_oddity, judge_mismatch, verify_file
from bot.gateways.releases.slices import Slices, measure_file, notes_path
from bot.gateways.releases.unpacked import UnpackedReleases
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.ports import Fetched, Tools, Verified
from steps.contract.release import Archive

LARGEST_SIGNATURE = 4096


class ReleaseFilesGateway:
    """Archives under `folder`, shared by upgrades. One instance for the whole program, thread-safe.

    `limits` are the seconds to connect and to wait for the next bytes.
    """

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
        slice_seconds: float = 5.0,
        limits: tuple[float, float] = (5.0, 10.0),
    ) -> None:
        self._shelf = ArchiveShelf(folder.absolute())
        self._unpacked = UnpackedReleases(folder.absolute() / "unpacked")
        self._slices = Slices(clock, slice_seconds, limits)
        self._lock = threading.Lock()
        self._locks: dict[str, threading.RLock] = {}

    def measure_room(self) -> int:
        folder = self._shelf.folder
        try:
            return shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists())).free
        except OSError as error:
            raise judge_disk(error, folder) from error

    def fetch_archive(self, archive: Archive) -> Fetched:
        with self._lock_of(archive):
            try:
                return self._fetch(archive)
            except OSError as error:
                raise judge_disk(error, self._shelf.folder) from error

    def verify_archive(self, archive: Archive) -> Verified:
        with self._lock_of(archive):
            fetched = self.fetch_archive(archive)
            if not fetched.complete:
                raise TryAgain(f"{archive.file_name} is being fetched again, {fetched.received / 1e6:.0f} MB so far", 0)
            try:
                verified = self._verify(archive, fetched.path)
                self._shelf.keep(archive, fetched.path, verified.sha256)
            except OSError as error:
                raise judge_disk(error, fetched.path, fetched.received) from error
            return verified

    def unpack_archive(self, archive: Archive, sha256: str) -> Tools:
        with self._lock_of(archive):
            verified = self.verify_archive(archive)
            if verified.sha256 != sha256:
                raise GiveUp(
                    f"{archive.file_name} is not the file that was approved: its SHA-256 was {sha256} "
                    f"and is now {verified.sha256}",
                    "Abort, and start again so that the new file is shown and approved.",
                )
            tools = self._unpacked.unpack(archive, self._shelf.place_verified(archive, sha256), sha256)
            touch(self._shelf.place_verified(archive, sha256).parent)
            return tools

    def close(self) -> None:
        """Close the idle connections."""
        self._slices.close()

    def _fetch(self, archive: Archive) -> Fetched:
        path = self._shelf.find_archive(archive)
        if archive.local_path and not path.is_file():
            raise GiveUp(f"there is no file {path}", "Give the path of an archive on the bot's machine, then retry.")
        signature = self._shelf.find_signature(archive, path)
        if not signature.is_file():
            self._fetch_signature(archive, signature)
        if path.is_file():
            size = measure_file(path)
            return Fetched(size, size, complete=True, path=path)
        part = path.with_name(f"{path.name}.part")
        begun_before = part.exists()
        got = self._slices.fetch_slice(_describe(archive, f"fetch {archive.file_name}"), archive.url, part)
        if got.complete:
            if begun_before:  # the file may have been replaced meanwhile, and its signature with it
                self._fetch_signature(archive, signature)
            part.replace(path)
            notes_path(part).unlink(missing_ok=True)
            sync_folder(path.parent)
        return Fetched(got.received, got.received if got.complete else got.total, got.complete, path)

    def _fetch_signature(self, archive: Archive, place: Path) -> None:
        call = _describe(archive, f"fetch the signature of {archive.file_name}")
        found = self._slices.fetch_small(call, archive.signature_url, LARGEST_SIGNATURE)
        write_atomically(place, found, 0o644)

    def _verify(self, archive: Archive, path: Path) -> Verified:
        signature = self._shelf.find_signature(archive, path)
        try:
            return verify_file(path, signature.read_bytes(), archive.public_key)
        except BadSignature as error:
            names = {path: archive.file_name, signature: f"the signature of {archive.file_name}"}
            files = [
                FoundFile(name, self._shelf.find_origin(archive, place), find_oddity(place))
                for place, name in names.items()
            ]
            fault = judge_mismatch(archive, error.sha256, files)
            self._shelf.reject(archive, path)
            raise fault from None

    def _lock_of(self, archive: Archive) -> threading.RLock:
        with self._lock:
            return self._locks.setdefault(self._shelf.name_key(archive), threading.RLock())


def _describe(archive: Archive, action: str) -> OutsideCall:
    host = archive.url.partition("//")[2].partition("/")[0]
    return OutsideCall(
        f"the release server {host}",
        action,
        forbidden=f"Open {archive.url} to the bot's machine, or set ASM_UPGRADE_MIRROR to one that it can reach; then "
        "retry.",
        absent=f"ASM {archive.version} is not there, or not for this platform: check base_url in the release file, "
        "set ASM_UPGRADE_MIRROR, or give a local archive with its signature beside it; then retry.",
    )
