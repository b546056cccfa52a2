from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.gateways.releases.unpacking import ArchiveLimits, Unpacking
from steps.contract.errors import GiveUp

FOLDER = "istio-1.4.10-asm.18"
Unpack = Callable[..., Path]


def tar_of(folder: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    """Write a .tar.gz with these entries."""
    path = folder / "archive.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for entry, content in entries:
            entry.size = len(content) if entry.isreg() else entry.size
            tar.addfile(entry, io.BytesIO(content) if entry.isreg() else None)
    return path


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    """Describe one entry of a tar."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, target, mode
    return made


def zip_of(folder: Path, name: str, content: bytes = b"x", mode: int = 0o644) -> Path:
    """Write a .zip with one entry."""
    path = folder / "archive.zip"
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(made, content)
    return path


@pytest.fixture
def unpack(tmp_path: Path) -> Unpack:
    """Unpack into an empty folder beside which a sentinel file stands."""
    target = tmp_path / "inner" / "target"
    target.mkdir(parents=True)

    def unpack_into(archive: Path, limits: ArchiveLimits | None = None) -> Path:
        Unpacking(target, FOLDER, limits).unpack(archive)
        return target / FOLDER

    return unpack_into


def test_executable_bits_are_kept(tmp_path: Path, unpack: Unpack) -> None:
    """A program stays one, a text does not become one."""
    archive = tar_of(
        tmp_path, (entry(f"{FOLDER}/bin/istioctl", mode=0o755), b"#!"), (entry(f"{FOLDER}/README", mode=0o600), b"x")
    )
    folder = unpack(archive)
    assert stat.S_IMODE((folder / "bin" / "istioctl").stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "README").stat().st_mode) == 0o644


def test_setuid_bits_are_dropped(tmp_path: Path, unpack: Unpack) -> None:
    """Nobody else's rights come out of an archive."""
    folder = unpack(tar_of(tmp_path, (entry(f"{FOLDER}/bin/istioctl", mode=0o6755), b"#!")))
    assert stat.S_IMODE((folder / "bin" / "istioctl").stat().st_mode) == 0o755


def test_links_within_the_folder_are_kept(tmp_path: Path, unpack: Unpack) -> None:
    """A harmless link is no reason to refuse a release."""
    archive = tar_of(
        tmp_path,
        (entry(f"{FOLDER}/a/file"), b"content"),
        (entry(f"{FOLDER}/b", tarfile.SYMTYPE, "a/file"), b""),
        (entry(f"{FOLDER}/c", tarfile.LNKTYPE, f"{FOLDER}/a/file"), b""),
    )
    folder = unpack(archive)
    assert (folder / "b").read_bytes() == (folder / "c").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (f"{FOLDER}/../../escaped", "leads out of its folder"),
        ("../escaped", "leads out of its folder"),
        ("/etc/escaped", "absolute or foreign name"),
        ("C:/escaped", "absolute or foreign name"),
        (f"{FOLDER}\\..\\escaped", "absolute or foreign name"),
        ("elsewhere/file", f"is outside of {FOLDER}"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, unpack: Unpack, name: str, why: str) -> None:
    """No entry writes outside of the release's folder."""
    with pytest.raises(GiveUp, match=why):
        unpack(tar_of(tmp_path, (entry(name), b"x")))
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("name", [f"{FOLDER}/../../escaped", "/etc/escaped", f"{FOLDER}\\..\\escaped"])
def test_zips_obey_the_same_rules(tmp_path: Path, unpack: Unpack, name: str) -> None:
    """The Windows archive is no way around the checks."""
    with pytest.raises(GiveUp, match="the archive's entry"):
        unpack(zip_of(tmp_path, name))
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("target", ["../../../escaped", "/etc/passwd", "a/../../../x"])
def test_symlinks_out_of_the_folder_are_refused(tmp_path: Path, unpack: Unpack, target: str) -> None:
    """A link may not point outside."""
    with pytest.raises(GiveUp, match="links out of its folder"):
        unpack(tar_of(tmp_path, (entry(f"{FOLDER}/link", tarfile.SYMTYPE, target), b"")))


def test_links_that_lead_out_only_together_are_refused(tmp_path: Path, unpack: Unpack) -> None:
    """Each link for itself looks harmless."""
    archive = tar_of(
        tmp_path,
        (entry(f"{FOLDER}/deep/deeper", tarfile.DIRTYPE), b""),
        (entry(f"{FOLDER}/deep/up", tarfile.SYMTYPE, ".."), b""),
        (entry(f"{FOLDER}/out", tarfile.SYMTYPE, "deep/up/../escaped"), b""),
    )
    with pytest.raises(GiveUp, match="links out of its folder"):
        unpack(archive)


def test_nothing_is_written_through_a_link(tmp_path: Path, unpack: Unpack) -> None:
    """A folder that is really a link takes no files."""
    archive = tar_of(
        tmp_path,
        (entry(f"{FOLDER}/link", tarfile.SYMTYPE, "elsewhere"), b""),
        (entry(f"{FOLDER}/link/file"), b"x"),
    )
    with pytest.raises(GiveUp, match="lies behind a link"):
        unpack(archive)


def test_hard_links_to_foreign_files_are_refused(tmp_path: Path, unpack: Unpack) -> None:
    """A hard link names an earlier entry or nothing."""
    with pytest.raises(GiveUp, match="not in the archive"):
        unpack(tar_of(tmp_path, (entry(f"{FOLDER}/link", tarfile.LNKTYPE, f"{FOLDER}/none"), b"")))


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, unpack: Unpack, kind: bytes) -> None:
    """Only files, folders and links come out."""
    with pytest.raises(GiveUp, match="neither a file nor a folder"):
        unpack(tar_of(tmp_path, (entry(f"{FOLDER}/device", kind), b"")))


def test_zipped_symlinks_are_refused(tmp_path: Path, unpack: Unpack) -> None:
    """A zip marks a link by its mode."""
    with pytest.raises(GiveUp, match="neither a file nor a folder"):
        unpack(zip_of(tmp_path, f"{FOLDER}/link", b"/etc/passwd", stat.S_IFLNK | 0o777))


def test_ten_gigabytes_of_zeros_are_refused_by_their_header(tmp_path: Path, unpack: Unpack) -> None:
    """A bomb is refused before its first byte is written."""
    bomb = entry(f"{FOLDER}/zeros")
    bomb.size = 10_000_000_000
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(gzip.compress(bomb.tobuf() + bytes(1024)))
    with pytest.raises(GiveUp, match="would make more than 2 GB"):
        unpack(path)


def test_many_small_files_count_together(tmp_path: Path, unpack: Unpack) -> None:
    """A bomb in pieces is one as well."""
    archive = tar_of(tmp_path, *[(entry(f"{FOLDER}/{number}"), bytes(300)) for number in range(4)])
    with pytest.raises(GiveUp, match="would make more than"):
        unpack(archive, ArchiveLimits(total=1000))


def test_too_many_entries_are_refused(tmp_path: Path, unpack: Unpack) -> None:
    """Empty files fill a disk, too."""
    archive = tar_of(tmp_path, *[(entry(f"{FOLDER}/{number}"), b"") for number in range(4)])
    with pytest.raises(GiveUp, match="an archive may hold 3 entries"):
        unpack(archive, ArchiveLimits(entries=3))


def test_zip_that_lies_about_sizes_is_refused(tmp_path: Path, unpack: Unpack) -> None:
    """What comes out is counted, not what the directory says."""
    archive = zip_of(tmp_path, f"{FOLDER}/zeros", bytes(100_000))
    raw = archive.read_bytes()
    lying = raw.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(lying)
    with pytest.raises(GiveUp):
        unpack(archive, ArchiveLimits(total=1000))


def test_repeated_names_are_refused(tmp_path: Path, unpack: Unpack) -> None:
    """The second entry of a name could replace a checked one."""
    twice = [(entry(f"{FOLDER}/file"), b"a"), (entry(f"{FOLDER}/file"), b"b")]
    with pytest.raises(GiveUp, match="appears twice"):
        unpack(tar_of(tmp_path, *twice))


def test_truncated_archive_is_refused(tmp_path: Path, unpack: Unpack) -> None:
    """Half an archive is none."""
    archive = tar_of(tmp_path, (entry(f"{FOLDER}/file"), bytes(range(256)) * 400))
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(GiveUp, match="not a whole archive"):
        unpack(archive)


def test_something_else_is_no_archive(tmp_path: Path, unpack: Unpack) -> None:
    """A page of HTML under the archive's name is named as such."""
    path = tmp_path / "archive.zip"
    path.write_bytes(b"<html>")
    with pytest.raises(GiveUp, match="not a whole archive"):
        unpack(path)
