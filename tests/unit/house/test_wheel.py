"""What a user installs holds the four packages, their files and the console script, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

PACKAGES = {"bot", "handlers", "steps", "sandbox"}
# Files beside the code that a package reads when it runs.
SUFFIXES_OF_FILES_READ = {".toml", ".html", ".js", ".mjs", ".css", ".svg", ".json"}


def run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, timeout=120, capture_output=True)


@pytest.fixture(scope="module")
def installed(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder into which the wheel, and nothing else, was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    run(*build, ".", cwd=project_root)
    (wheel,) = folder.glob("asm_upgrade_bot-*.whl")
    target = folder / "site"
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
        cwd=folder,
    )
    return target


def test_wheel_holds_exactly_the_four_packages(installed: Path) -> None:
    """Tests, tools and documents stay out of the user's site-packages."""
    top = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info") and path.name != "bin"}
    assert top == PACKAGES


def test_console_script_is_asm_upgrade(installed: Path) -> None:
    """The wheel declares one console script, which starts the command line."""
    entry_points = ConfigParser()
    entry_points.read(next(installed.glob("*.dist-info")) / "entry_points.txt")
    assert dict(entry_points["console_scripts"]) == {"asm-upgrade": "bot.app.cli:main"}


def test_files_beside_the_code_are_in_the_wheel(installed: Path, project_root: Path) -> None:
    """Release files and the page of the sandbox arrive with the code."""
    wanted = {
        path.relative_to(project_root)
        for package in PACKAGES
        for path in (project_root / package).rglob("*")
        if path.suffix in SUFFIXES_OF_FILES_READ
    }
    assert wanted
    assert not sorted(str(path) for path in wanted if not (installed / path).is_file())


def test_licence_is_in_the_wheel(installed: Path) -> None:
    """Whoever gets the wheel gets the licence."""
    (licence,) = installed.glob("*.dist-info/licenses/LICENSE")
    assert "Apache License" in licence.read_text()
