"""What is in a parcel, what never is, and which one goes first."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from bot.retention.parcels import Contents, Parcels

OVERLAY = "kind: IstioControlPlane\n"


def lay_out_run(folder: Path) -> Path:
    """What a guarded apply leaves."""
    run = folder / "cluster-x-1-apply-3"
    (run / "kubectl" / "home").mkdir(parents=True)
    for name in ("output", "exit", "lock", "kubectl/overlay.yaml", "kubectl/kubeconfig.json", "kubectl/home/cache"):
        (run / name).write_text(OVERLAY)
    (run / "link").symlink_to("/etc/passwd")
    return run


def list_members(path: Path) -> list[str]:
    """The files of a parcel."""
    with tarfile.open(path) as parcel:
        return sorted(member.name for member in parcel.getmembers() if member.isfile())


def test_what_was_printed_and_given_goes_in_and_credentials_never(tmp_path: Path) -> None:
    """Nor what only the run itself needed, nor a way out of the folder."""
    contents = Contents({"messages.jsonl": "{}\n"}, {"programs/apply": lay_out_run(tmp_path)})
    parcel = Parcels(tmp_path / "parcels", 10**6).pack("cluster-x-1", contents)
    kept = ["programs/apply/exit", "programs/apply/kubectl/overlay.yaml", "programs/apply/output"]
    assert list_members(parcel.path) == ["messages.jsonl", *kept]
    assert (parcel.path.stat().st_mode & 0o777, parcel.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_parcel_that_is_there_is_whole_and_stays(tmp_path: Path) -> None:
    """After a kill what was packed may be gone from where it was."""
    parcels = Parcels(tmp_path / "parcels", 10**6)
    first = parcels.pack("a", Contents({"messages.jsonl": "told\n"}, {}))
    assert parcels.pack("a", Contents({}, {})) == first


def test_what_a_kill_left_half_written_is_no_parcel(tmp_path: Path) -> None:
    """It is written anew."""
    (tmp_path / "parcels").mkdir()
    (tmp_path / "parcels" / ".a.tar.gz.part").write_bytes(b"half")
    parcel = Parcels(tmp_path / "parcels", 10**6).pack("a", Contents({"messages.jsonl": "told\n"}, {}))
    assert (list_members(parcel.path), list(parcel.path.parent.iterdir())) == (["messages.jsonl"], [parcel.path])


@pytest.mark.parametrize(("limit", "left"), [(0, []), (1, []), (10**6, ["a.tar.gz", "b.tar.gz"])])
def test_the_folder_stays_within_its_limit(limit: int, left: list[str], tmp_path: Path) -> None:
    """What came first goes first."""
    parcels = Parcels(tmp_path / "parcels", limit)
    made = [parcels.pack(name, Contents({"messages.jsonl": name}, {})).path for name in ("a", "b")]
    os.utime(made[0], (1, 1))
    removed = parcels.prune()
    assert sorted(path.name for path in (tmp_path / "parcels").iterdir()) == left
    assert removed == [path.name for path in made if path.name not in left]


def test_only_what_is_over_the_limit_goes(tmp_path: Path) -> None:
    """The younger one stays."""
    parcels = Parcels(tmp_path / "parcels", 10**6)
    first, second = (parcels.pack(name, Contents({"messages.jsonl": name}, {})).path for name in ("z", "a"))
    os.utime(first, (1, 1))
    assert Parcels(tmp_path / "parcels", second.stat().st_size).prune() == [first.name]
