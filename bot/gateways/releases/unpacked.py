"""Unpacked releases on disk, one folder per SHA-256, with the hashes of their programs."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path

from bot.files import sync_folder, write_atomically
from bot.gateways.calls.faults import judge_disk
from bot.gateways.releases.signatures import hash_file
from bot.gateways.releases.unpacking import REMEDY, Unpacking
from steps.contract.errors import GiveUp
from steps.contract.ports import Tools
from steps.contract.release import Archive

PROGRAMS = ("istioctl", "asmctl")
HASHES = "programs.json"


class UnpackedReleases:
    """Releases under `folder`/SHA256/istio-VERSION; a folder is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def unpack(self, archive: Archive, path: Path, sha256: str) -> Tools:
        """The release of a verified archive, unpacked once. GiveUp on anything unsafe in it."""
        place = self._folder / sha256
        try:
            return self._read(archive, place) or self._make(archive, path, place)
        except OSError as error:
            raise judge_disk(error, place, 5 * path.stat().st_size) from error

    def _read(self, archive: Archive, place: Path) -> Tools | None:
        try:
            hashes = json.loads((place / HASHES).read_text())
            return _describe_tools(archive, place, hashes)
        except (FileNotFoundError, ValueError, KeyError, TypeError, GiveUp):
            return None

    def _make(self, archive: Archive, path: Path, place: Path) -> Tools:
        for left_over in self._folder.glob(f".{place.name[:16]}.*"):  # of a bot that was killed while it unpacked
            shutil.rmtree(left_over, ignore_errors=True)
        beside = place.with_name(f".{place.name[:16]}.{secrets.token_hex(4)}")
        beside.mkdir(parents=True)
        try:
            Unpacking(beside, archive.directory).unpack(path)
            hashes = {name: hash_file(_find_program(beside / archive.directory, name)) for name in PROGRAMS}
            write_atomically(beside / HASHES, json.dumps(hashes).encode())
            shutil.rmtree(place, ignore_errors=True)
            beside.replace(place)
            sync_folder(place.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return _describe_tools(archive, place, hashes)


def _describe_tools(archive: Archive, place: Path, hashes: dict[str, str]) -> Tools:
    folder = place / archive.directory
    return Tools(
        version=archive.version,
        folder=folder,
        istioctl=_find_program(folder, "istioctl"),
        asmctl=_find_program(folder, "asmctl"),
        istioctl_sha256=hashes["istioctl"],
        asmctl_sha256=hashes["asmctl"],
    )


def _find_program(folder: Path, name: str) -> Path:
    """The program's path; GiveUp where the archive lacks it."""
    for candidate in (folder / "bin" / name, folder / "bin" / f"{name}.exe"):
        if candidate.is_file() and not candidate.is_symlink():
            return candidate
    raise GiveUp(f"the archive holds no program {folder.name}/bin/{name}", REMEDY)
