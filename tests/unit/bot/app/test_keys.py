"""The key of decisions: given, kept in a file, or made."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.keys import open_key
from bot.settings.environment import ConfigError, KeyPlace, read_key_place


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """For the bot's user alone."""
    file = tmp_path / "config" / "key"
    first = open_key(KeyPlace("", file))
    assert (open_key(KeyPlace("", file)), file.stat().st_mode & 0o777) == (first, 0o600)
    assert len(first.secret) == 64


def test_a_given_key_needs_no_file(tmp_path: Path) -> None:
    """As in a container."""
    assert open_key(KeyPlace("k" * 32, tmp_path / "key")).secret == b"k" * 32
    assert not (tmp_path / "key").exists()


def test_a_key_that_cant_be_kept_serves_until_the_end(tmp_path: Path) -> None:
    """Another one the next time: what was not done by then is asked again."""
    (tmp_path / "file").write_text("")
    place = KeyPlace("", tmp_path / "file" / "key")
    assert open_key(place) != open_key(place)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40])
def test_a_broken_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    """Nothing is decided with a key that anybody could guess."""
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="the key in"):
        open_key(KeyPlace("", file))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ASM_UPGRADE_KEY", "short", "shorter than 32"),
        ("ASM_UPGRADE_KEY_FILE", "state/key", "must not lie in the state"),
    ],
)
def test_a_bad_place_is_told(name: str, value: str, why: str) -> None:
    """Whoever may write the state folder must not have the key."""
    with pytest.raises(ConfigError, match=why):
        read_key_place({name: value})


def test_a_key_is_not_shown(tmp_path: Path) -> None:
    """Settings are logged now and then."""
    assert "kkkk" not in repr(KeyPlace("k" * 32, tmp_path))
