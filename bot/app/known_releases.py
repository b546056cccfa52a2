"""The releases that the bot knows: the shipped files and those of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from steps.contract.release import Release, parse_release


def shipped_releases() -> Path:
    """The folder of the release files that come with the program."""
    return Path(str(files("steps"))) / "releases"


def read_releases(folder: Path | None, mirror: str = "") -> Mapping[str, Release]:
    """Releases by version; those of `folder` replace shipped ones. ValueError names a file that is wrong."""
    shipped = _read_folder(shipped_releases())
    keys = {release.key_fingerprint for release in shipped}
    found = [*shipped, *(_read_folder(folder) if folder else ())]
    return {
        release.version: replace(
            release, base_url=mirror or release.base_url, known_key=release.key_fingerprint in keys
        )
        for release in found
    }


def _read_folder(folder: Path) -> list[Release]:
    return [parse_release(path.read_text(encoding="utf-8"), path.name) for path in sorted(folder.glob("*.toml"))]
