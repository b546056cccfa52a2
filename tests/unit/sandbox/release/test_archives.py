from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from sandbox.release.archives import build_archive
from sandbox.release.signing import SigningKey
from tests.unit.sandbox.release.unpacking import unpack


def test_the_archive_has_the_layout_of_the_guide(tmp_path: Path) -> None:
    """One folder named for the release, with samples and both tools in bin."""
    release = unpack(build_archive("1.4.10-asm.18", "linux"), tmp_path)
    assert release.name == "istio-1.4.10-asm.18"
    assert {path.name for path in (release / "bin").iterdir()} == {"istioctl", "asmctl"}
    assert (release / "samples").is_dir()


def test_the_same_release_has_the_same_bytes() -> None:
    """A restart of the sandbox offers the archive with the SHA-256 that was approved."""
    assert build_archive("1.4.10-asm.18", "linux") == build_archive("1.4.10-asm.18", "linux")


def test_the_windows_archive_is_a_zip() -> None:
    """Names as in the real one."""
    names = zipfile.ZipFile(io.BytesIO(build_archive("1.4.10-asm.18", "win"))).namelist()
    assert "istio-1.4.10-asm.18/bin/istioctl.exe" in names


def test_istioctl_runs_from_the_archive(tmp_path: Path) -> None:
    """Outside the source tree, and with a space in its path."""
    release = unpack(build_archive("1.4.7-asm.0", "linux"), tmp_path / "a folder")
    command = [str(release / "bin" / "istioctl"), "version", "--remote=false"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=True)
    assert answer.stdout == "1.4.7-asm.0\n"


@pytest.mark.parametrize(("fault", "code"), [("crashing", 2), ("nonsense", 0)])
def test_a_broken_istioctl_is_broken(tmp_path: Path, fault: str, code: int) -> None:
    """The switch for tools changes what the archive holds."""
    release = unpack(build_archive("1.4.10-asm.18", "linux", fault), tmp_path)  # type: ignore[arg-type]
    answer = subprocess.run([release / "bin" / "istioctl", "version"], capture_output=True, timeout=150, check=False)
    assert answer.returncode == code


def test_a_missing_istioctl_is_not_packed(tmp_path: Path) -> None:
    """Only asmctl is left in bin."""
    release = unpack(build_archive("1.4.10-asm.18", "linux", "missing"), tmp_path)
    assert [path.name for path in (release / "bin").iterdir()] == ["asmctl"]


def test_the_key_is_kept(tmp_path: Path) -> None:
    """A second start signs with the key of the first."""
    path = tmp_path / "key.pem"
    assert SigningKey.kept_in(path).public_pem() == SigningKey.kept_in(path).public_pem()


def test_the_key_is_private(tmp_path: Path) -> None:
    """Nobody but the owner reads it."""
    path = tmp_path / "key.pem"
    SigningKey.kept_in(path)
    assert path.stat().st_mode & 0o777 == 0o600
