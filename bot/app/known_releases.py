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
    paths = sorted(shipped_releases().glob("*.toml")) + (sorted(folder.glob("*.toml")) if folder else [])
    found = [parse_release(path.read_text(encoding="utf-8"), path.name) for path in paths]
    return {release.version: replace(release, base_url=mirror or release.base_url) for release in found}
