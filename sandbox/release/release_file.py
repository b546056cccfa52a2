"""Release files for a bot in the sandbox: the shipped ones, with the sandbox's address and key put in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

BASE_URL = re.compile(r'^(base_url\s*=\s*)(?:"[^"\n]*"|\'[^\'\n]*\')', re.MULTILINE)
INHERITS = re.compile(r"^inherits\s*=", re.MULTILINE)
PUBLIC_KEY = re.compile(r'^(public_key\s*=\s*)(?:"""(?:.|\n)*?"""|\'\'\'(?:.|\n)*?\'\'\')', re.MULTILINE)


def write_release_files(shipped: Path, folder: Path, base_url: str, public_key: str) -> list[Path]:
    """Write the sandbox's copy of every shipped release file into `folder` and return their paths.

    Raises ValueError naming the file when it is not TOML or lacks `base_url` or `public_key`.
    """
    found = sorted(shipped.glob("*.toml"))
    if not found:
        raise ValueError(f"{shipped} holds no release file (*.toml)")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in found:
        target = folder / source.name
        target.write_text(sandbox_release(source.read_text("utf-8"), source.name, base_url, public_key), "utf-8")
        written.append(target)
    return written


def sandbox_release(text: str, name: str, base_url: str, public_key: str) -> str:
    """Return the release file's text with the sandbox's address and key, which others inherit; all else is kept."""
    if INHERITS.search(text) and not (BASE_URL.search(text) or PUBLIC_KEY.search(text)):
        return text
    changed = _put(BASE_URL, f'"{base_url}"', text, name, "base_url")
    changed = _put(PUBLIC_KEY, f'"""\n{public_key.strip()}\n"""', changed, name, "public_key")
    try:
        tomllib.loads(changed)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"release file {name} is not TOML: {error}") from error
    return changed


def _put(pattern: re.Pattern[str], value: str, text: str, name: str, key: str) -> str:
    changed, count = pattern.subn(lambda match: match.group(1) + value, text)
    if count == 0:
        raise ValueError(f"release file {name} has no {key} that the sandbox could replace")
    return changed
