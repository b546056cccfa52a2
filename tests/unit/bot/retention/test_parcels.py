"""What is in a parcel, what never is, and which one goes first."""

from __future__ import annotations

import errno
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


def build(folder: Path, limit: int, mark: str = "0a1b2c3d", room: int = 10**9) -> Parcels:
    """The parcels of a journal, on a disk with so much room."""
    return Parcels(folder, limit, mark, lambda _folder: room)


def list_members(path: Path) -> list[str]:
    """The files of a parcel."""
    with tarfile.open(path) as parcel:
        return sorted(member.name for member in parcel.getmembers() if member.isfile())


def test_what_was_printed_and_given_goes_in_and_credentials_never(tmp_path: Path) -> None:
    """Nor what only the run itself needed, nor a way out of the folder."""
    contents = Contents({"messages.jsonl": "{}\n"}, {"programs/apply": lay_out_run(tmp_path)})
    parcel = build(tmp_path / "parcels", 10**6).pack("cluster-x-1", contents)
    kept = ["programs/apply/exit", "programs/apply/kubectl/overlay.yaml", "programs/apply/output"]
    assert list_members(parcel.path) == ["messages.jsonl", *kept]
    assert (parcel.path.stat().st_mode & 0o777, parcel.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_parcel_that_is_there_is_whole_and_stays(tmp_path: Path) -> None:
    """After a kill what was packed may be gone from where it was."""
    parcels = build(tmp_path / "parcels", 10**6)
    first = parcels.pack("a", Contents({"messages.jsonl": "told\n"}, {}))
    assert parcels.pack("a", Contents({}, {})) == first


@pytest.mark.parametrize(
    "later", [{"messages.jsonl": "told\ntold late\n"}, {"messages.jsonl": "told\n", "clicks.jsonl": "{}\n"}]
)
def test_what_came_after_its_parcel_was_packed_has_another(tmp_path: Path, later: dict[str, str]) -> None:
    """It is removed from the journal as what the first one holds: nothing goes that is in none."""
    parcels = build(tmp_path / "parcels", 10**6)
    first = parcels.pack("a", Contents({"messages.jsonl": "told\n"}, {}))
    second = [parcels.pack("a", Contents(later, {})) for _ in range(2)]
    assert [parcel.path.name for parcel in (first, *second)] == [
        "0a1b2c3d-a.tar.gz",
        "0a1b2c3d-a-2.tar.gz",
        "0a1b2c3d-a-2.tar.gz",
    ]
    assert list_members(second[0].path) == sorted(later)


def test_what_a_kill_left_half_written_is_no_parcel(tmp_path: Path) -> None:
    """It is written anew."""
    (tmp_path / "parcels").mkdir()
    (tmp_path / "parcels" / ".0a1b2c3d-a.tar.gz.part").write_bytes(b"half")
    parcel = build(tmp_path / "parcels", 10**6).pack("a", Contents({"messages.jsonl": "told\n"}, {}))
    assert (list_members(parcel.path), list(parcel.path.parent.iterdir())) == (["messages.jsonl"], [parcel.path])


@pytest.mark.parametrize(("limit", "left"), [(0, []), (1, []), (10**6, ["0a1b2c3d-a.tar.gz", "0a1b2c3d-b.tar.gz"])])
def test_the_folder_stays_within_its_limit(limit: int, left: list[str], tmp_path: Path) -> None:
    """What came first goes first."""
    parcels = build(tmp_path / "parcels", limit)
    made = [parcels.pack(name, Contents({"messages.jsonl": name}, {})).path for name in ("a", "b")]
    os.utime(made[0], (1, 1))
    removed = parcels.prune()
    assert sorted(path.name for path in (tmp_path / "parcels").iterdir()) == left
    assert removed == [path.name for path in made if path.name not in left]


def test_only_what_is_over_the_limit_goes(tmp_path: Path) -> None:
    """The younger one stays."""
    parcels = build(tmp_path / "parcels", 10**6)
    first, second = (parcels.pack(name, Contents({"messages.jsonl": name}, {})).path for name in ("z", "a"))
    os.utime(first, (1, 1))
    assert build(tmp_path / "parcels", second.stat().st_size).prune() == [first.name]


def test_another_bots_parcels_are_left_alone(tmp_path: Path) -> None:
    """In a folder that several share: those of the same day have names of their own, and none counts or goes."""
    folder = tmp_path / "parcels"
    own, others = (build(folder, 1, mark) for mark in ("0a1b2c3d", "4e5f6a7b"))
    made = [parcels.pack("orders-2026-12-01", Contents({"clicks.jsonl": "{}"}, {})).path for parcels in (own, others)]
    (folder / "archive.tar.gz").write_bytes(b"somebody's")
    assert own.prune() == [made[0].name]
    assert sorted(path.name for path in folder.iterdir()) == [made[1].name, "archive.tar.gz"]


@pytest.mark.parametrize("broken", ["fill_parcel", "sync_file"])
def test_a_disk_that_becomes_full_keeps_no_half_parcel(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take the room that everything else is waiting for."""

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"bot.retention.parcels.{broken}", fail)
    with pytest.raises(OSError, match="No space left"):
        build(tmp_path / "parcels", 10**6).pack("a", Contents({"messages.jsonl": "told"}, {}))
    assert list((tmp_path / "parcels").iterdir()) == []


@pytest.mark.parametrize(("room", "is_packed"), [(0, False), (137, False), (138, True)])
def test_nothing_is_packed_that_the_disk_may_not_take(room: int, *, is_packed: bool, tmp_path: Path) -> None:
    """All that goes in is counted as if nothing could be compressed; a parcel that is there needs no room."""
    run = lay_out_run(tmp_path)
    (run / "link").unlink()
    folders = {"programs/apply": run / "kubectl" / "home"}
    (run / "kubectl" / "home" / "cache").write_text("x" * 134)
    contents, parcels = Contents({"messages.jsonl": "told"}, folders), build(tmp_path / "parcels", 10**6, room=room)
    if is_packed:
        parcel = parcels.pack("a", contents)
        assert build(tmp_path / "parcels", 10**6, room=0).pack("a", contents) == parcel
        return
    with pytest.raises(OSError, match=f"room for {room} bytes, and 138 would go"):
        parcels.pack("a", contents)
    assert list((tmp_path / "parcels").iterdir()) == []
