"""./dev says in one sentence what is missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import DRIVEN

NEEDED_PROGRAMS = ("bash", "cat", "cksum", "dirname", "env", "flock")
FAILING_PROGRAM = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def fresh_clone(tmp_path: Path, project_root: Path) -> Path:
    """Give a folder with what ./dev reads, and a PATH folder `bin` without Python."""
    for name in ("dev", "pyproject.toml", "constraints.txt", "constraints-sandbox.txt"):
        shutil.copy(project_root / name, tmp_path)
    (tmp_path / "bin").mkdir()
    for name in NEEDED_PROGRAMS:
        if found := shutil.which(name):
            (tmp_path / "bin" / name).symlink_to(found)
    return tmp_path


def write_program(folder: Path, name: str, text: str) -> None:
    path = folder / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def mark_installed(clone: Path, constraints: str) -> None:
    """Leave the stamp of an installation that is up to date."""
    command = f'cat "{clone}/{constraints}" "{clone}/pyproject.toml" | cksum'
    checksum = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=30, check=True
    ).stdout.strip()
    (clone / ".venv" / f"installed-{constraints}").write_text(f"{checksum} {clone}\n")


def run_dev(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(clone / "bin" / "bash"), str(clone / "dev"), *arguments]
    environment = {"PATH": str(clone / "bin")}
    return subprocess.run(command, cwd="/usr", env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_without_arguments_the_commands_are_listed(fresh_clone: Path) -> None:
    """A newcomer sees what there is."""
    answer = run_dev(fresh_clone)
    assert answer.returncode == 0
    assert all(f"\n  {command} " in answer.stdout for command in ("sandbox", "test", "check", "bench", "lock"))


def test_unknown_command_is_named(fresh_clone: Path) -> None:
    """A typing error is told apart from a failure."""
    answer = run_dev(fresh_clone, "sandbx")
    assert answer.returncode == 1
    assert "there is no command 'sandbx'" in answer.stderr


def test_missing_python_is_one_sentence(fresh_clone: Path) -> None:
    """Without Python 3.11 the answer says how to get it."""
    write_program(fresh_clone, "python3", FAILING_PROGRAM)
    answer = run_dev(fresh_clone, "sandbox")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "Python 3.11 or later is missing: install it (Debian: apt-get install python3" in answer.stderr


def test_missing_venv_module_is_one_sentence(fresh_clone: Path) -> None:
    """Debian ships Python without ensurepip: the answer names the package."""
    write_program(
        fresh_clone,
        "python3",
        '#!/bin/sh\ncase "$*" in *version_info*) exit 0 ;; --version) echo Python 3.11.2 ;; *) exit 1 ;; esac\n',
    )
    answer = run_dev(fresh_clone, "test")
    assert answer.returncode == 1
    assert "Python 3.11.2 has no venv module: install it (Debian: apt-get install python3-venv)" in answer.stderr


def test_paths_of_the_real_cluster_reach_pytest_whole(fresh_clone: Path) -> None:
    """A folder given to --control-plane is not taken for tests to run, and is the caller's own."""
    (fresh_clone / ".venv" / "bin").mkdir(parents=True)
    mark_installed(fresh_clone, "constraints.txt")
    for program in ("asm-upgrade", "playwright", "python"):
        write_program(fresh_clone / ".venv", program, '#!/bin/sh\necho "$@"\n')
    write_program(fresh_clone, "chromium", "#!/bin/sh\n")
    answer = run_dev(fresh_clone, "test", "--real-cluster", "--control-plane", "etc", "-q")
    workers = ["-n", "6", "--dist", "loadfile", "--no-loadscope-reorder"]
    assert answer.stdout.split() == ["-m", "pytest", *workers, "--real-cluster", "--control-plane=/usr/etc", "-q"]


def test_all_tests_are_compiled_once_before_the_workers_begin(fresh_clone: Path) -> None:
    """By one program each, and neither again nor where a few tests are asked for."""
    for folder in ("bin", "pycache"):
        (fresh_clone / ".venv" / folder).mkdir(parents=True)
    mark_installed(fresh_clone, "constraints.txt")
    for program in ("asm-upgrade", "playwright", "python"):
        write_program(fresh_clone / ".venv", program, f'#!/bin/sh\necho "$*" >>{fresh_clone}/told\n')
    write_program(fresh_clone, "chromium", "#!/bin/sh\n")
    for arguments in (["tests/unit/house"], ["-q"], ["-q"]):
        assert run_dev(fresh_clone, "test", *arguments).returncode == 0
    lines = (fresh_clone / "told").read_text().splitlines()
    first, *twice, third, fourth = [line for line in lines if line.startswith("-m")]
    assert sorted(twice) == [
        "-m pytest --collect-only -qq tests --ignore tests/unit",
        "-m pytest --collect-only -qq tests/unit",
    ]
    assert first.endswith("tests/unit/house")
    assert third == fourth == "-m pytest -n 6 --dist loadfile --no-loadscope-reorder -q"


def test_the_browsers_driver_is_asked_until_it_has_started(fresh_clone: Path) -> None:
    """Once a venv, for the tests ask no more than that it did."""
    (fresh_clone / ".venv" / "bin").mkdir(parents=True)
    mark_installed(fresh_clone, "constraints.txt")
    for program in ("asm-upgrade", "python"):
        write_program(fresh_clone / ".venv", program, "#!/bin/sh\n")
    write_program(fresh_clone, "chromium", "#!/bin/sh\n")
    for code in (1, 0, 0):
        write_program(
            fresh_clone / ".venv", "playwright", f"#!/bin/sh\necho {code} >>{fresh_clone}/asked\nexit {code}\n"
        )
        assert run_dev(fresh_clone, "test", "-x").returncode == 0
    assert (fresh_clone / "asked").read_text().split() == ["1", "0"]
    assert (fresh_clone / ".venv" / DRIVEN).exists()
