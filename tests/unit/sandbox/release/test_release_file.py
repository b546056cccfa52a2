from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sandbox.release.release_file import sandbox_release, write_release_files

SHIPPED = Path(__file__).parents[4] / "steps" / "releases"


def test_a_shipped_release_gets_the_sandbox_address_and_key(tmp_path: Path) -> None:
    """Everything else stays as shipped, and files that inherit both as they are."""
    files = write_release_files(SHIPPED, tmp_path, "http://127.0.0.1:1/asm", "-----BEGIN-----\nx\n-----END-----\n")
    written = tmp_path / "asm-1.4.10-asm.18.toml"
    assert [one for one in files if one.read_text() != (SHIPPED / one.name).read_text()] == [written]
    shipped = tomllib.loads((SHIPPED / written.name).read_text())
    changed = tomllib.loads(written.read_text())
    assert changed["release"].pop("base_url") == "http://127.0.0.1:1/asm"
    assert "BEGIN" in changed["release"].pop("public_key")
    del shipped["release"]["base_url"], shipped["release"]["public_key"]
    assert changed == shipped


def test_a_release_file_without_a_key_is_refused() -> None:
    """The sentence names file and field."""
    with pytest.raises(ValueError, match=r"odd\.toml has no public_key"):
        sandbox_release('base_url = "x"\n', "odd.toml", "http://127.0.0.1", "key")


def test_a_folder_without_releases_is_refused(tmp_path: Path) -> None:
    """The sentence names the folder."""
    with pytest.raises(ValueError, match="holds no release file"):
        write_release_files(tmp_path, tmp_path / "out", "http://127.0.0.1", "key")
