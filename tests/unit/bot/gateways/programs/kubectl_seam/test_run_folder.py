from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.gateways.programs.kubectl_seam.run_folder import RunFolder, check_run_folder, prepare_recording
from steps.contract.errors import GiveUp
from tests.unit.bot.gateways.programs.kubectl_seam.rig import Yard, apply_of, limits, made, stream

PILOT = stream(made("ConfigMap", "istio"))


def test_the_folder_is_this_users_alone(yard: Yard) -> None:
    """Nothing in it may be read or written by others, and PATH leads to one program."""
    folder = yard.guard(yard.approve((apply_of("Pilot"), PILOT))).folder
    modes = {path.stat().st_mode & 0o077 for path in [folder.path, *folder.path.rglob("*")]}
    assert modes == {0}
    assert [path.name for path in folder.bin.iterdir()] == ["kubectl"]


def test_a_run_has_a_folder_of_its_own(yard: Yard) -> None:
    """A second run in the same place would mix their calls."""
    yard.record("one")
    with pytest.raises(GiveUp, match="was begun before"):
        yard.record("one")


def test_bytes_that_are_not_the_records_are_refused(yard: Yard) -> None:
    """Before istioctl starts."""
    approved = yard.approve((apply_of("Pilot"), PILOT))
    with pytest.raises(GiveUp, match="recorded objects of Pilot were changed on disk"):
        yard.guard(replace(approved, contents=(b"{}",)))


def test_an_untouched_folder_passes(yard: Yard) -> None:
    """As it is checked right before the start."""
    folder = yard.record().folder
    check_run_folder(folder)


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("\n")


def open_up(path: Path) -> None:
    path.chmod(0o755)


def replace_by_link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


@pytest.mark.parametrize("change", [append, open_up, replace_by_link])
@pytest.mark.parametrize("name", ["guard.py", "rules.json"])
def test_a_touched_folder_is_refused(yard: Yard, change: object, name: str) -> None:
    """Other bytes, other rights, links."""
    folder = yard.record().folder
    assert callable(change)
    change(folder.path / name)
    with pytest.raises(GiveUp):
        check_run_folder(folder)


def test_a_path_with_a_space_is_fine(yard: Yard, tmp_path: Path) -> None:
    """The starter is a shell line, not a #! line."""
    lock = tmp_path / "a lock"
    folder = prepare_recording(tmp_path / "a run's folder", lock, yard.ground(), limits())
    rig = replace(yard.record(), folder=RunFolder(folder.path), lock=lock)
    assert rig.call(apply_of("Pilot"), PILOT).code == 0
