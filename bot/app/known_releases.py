"""The releases that the bot knows: the shipped files and those of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from steps.contract.release import Release, parse_releases


def shipped_releases() -> Path:
    """The folder of the release files that come with the program."""
    return Path(str(files("steps"))) / "releases"


def read_releases(folder: Path | None, mirror: str = "") -> Mapping[str, Release]:
    """Releases by version; those of `folder` replace shipped ones. ValueError names a file that is wrong."""
    shipped = _read_texts(shipped_releases())
    keys = {release.key_fingerprint for release in parse_releases(shipped)}
    given = _read_texts(folder) if folder else {}
    return {
        release.version: replace(
            release, base_url=mirror or release.base_url, known_key=release.key_fingerprint in keys
        )
        for release in parse_releases(shipped | given)
    }


def _read_texts(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.toml"))}
