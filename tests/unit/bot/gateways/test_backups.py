from __future__ import annotations

from pathlib import Path

import pytest

from bot.files import write_atomically
from bot.gateways.backups import BackupsGateway
from steps.contract.errors import GiveUp


def test_a_backup_is_written(tmp_path: Path) -> None:
    """One folder an upgrade, one file a backup, for the bot's user alone."""
    path = BackupsGateway(tmp_path).write_backup("cluster-x-7", "configmaps.yaml", "kind: List\n")
    assert path == tmp_path / "cluster-x-7" / "configmaps.yaml"
    assert path.read_text() == "kind: List\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_first_backup_stays(tmp_path: Path) -> None:
    """A step that is repeated after the apply must not replace what was before it."""
    backups = BackupsGateway(tmp_path)
    backups.write_backup("cluster-x-7", "configmaps.yaml", "before\n")
    assert backups.write_backup("cluster-x-7", "configmaps.yaml", "after\n").read_text() == "before\n"


def test_nothing_else_is_left_behind(tmp_path: Path) -> None:
    """The file beside, from which it was renamed, is gone."""
    path = BackupsGateway(tmp_path).write_backup("cluster-x-7", "a", "text")
    assert list(path.parent.iterdir()) == [path]


def test_names_stay_within_the_folder(tmp_path: Path) -> None:
    """An id is a name, not a path."""
    path = BackupsGateway(tmp_path / "backups").write_backup("../up", "../../name", "text")
    assert path.parent.parent == tmp_path / "backups"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A state folder that is really a file is one clear sentence."""
    (tmp_path / "backups").write_text("a file")
    with pytest.raises(GiveUp, match="could not be written"):
        BackupsGateway(tmp_path / "backups").write_backup("cluster-x-7", "a", "text")


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves what was there."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
