"""The releases that the bot knows, and whose key they are checked with."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import pytest

from bot.app.known_releases import read_releases
from bot.gateways.releases.signatures import read_public_key, take_fingerprint
from tests.unit.steps.builders import read_shipped_release

FOREIGN_KEY = "-----BEGIN PUBLIC KEY-----\nTWFsbG9yeQ==\n-----END PUBLIC KEY-----\n"


def write_release(folder: Path, key: str) -> Path:
    """A folder with the shipped release under another version and this key."""
    text = (importlib.resources.files("steps") / "releases" / "asm-1.4.10-asm.18.toml").read_text()
    shipped = read_shipped_release()
    text = text.replace(shipped.public_key.strip(), key.strip()).replace('version = "1.4.10-asm.18"', 'version = "9"')
    (folder / "asm-9.toml").write_text(text)
    return folder


@pytest.mark.parametrize(("key", "known"), [(FOREIGN_KEY, False), ("", True)])
def test_a_key_that_ships_with_the_bot_is_known(tmp_path: Path, key: str, known: bool) -> None:
    """By its fingerprint, whichever file names it."""
    found = read_releases(write_release(tmp_path, key or read_shipped_release().public_key))
    assert (found["9"].known_key, found["1.4.10-asm.18"].known_key) == (known, True)


def test_a_fingerprint_is_the_one_that_the_verification_tells() -> None:
    """SHA-256 of the key's own bytes."""
    release = read_shipped_release()
    assert release.key_fingerprint == take_fingerprint(read_public_key(release.public_key))
