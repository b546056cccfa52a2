"""What a user installs holds the four packages, their files and the console script, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

PACKAGES = {"bot", "handlers", "steps", "sandbox"}
# Files beside the code that a package reads when it runs.
SUFFIXES_OF_FILES_READ = {".toml", ".html", ".js", ".mjs", ".css", ".svg", ".json", ".j2"}


def run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, timeout=120, capture_output=True)


def build_wheel(source: Path, folder: Path) -> None:
    """Build the wheel of a source tree."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    run(*build, ".", cwd=source)


def install_wheel(built: Path, folder: Path) -> Path:
    """Install the wheel that was built there, and nothing else; returns where."""
    (wheel,) = built.glob("asm_upgrade_bot-*.whl")
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target)]
    run(*pip, str(wheel), cwd=folder)
    return target


def list_top(target: Path) -> set[str]:
    return {path.name for path in target.iterdir() if not path.name.endswith(".dist-info") and path.name != "bin"}


@pytest.fixture(scope="module")
def installed(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder into which the release's wheel, and nothing else, was installed."""
    return install_wheel(release, tmp_path_factory.mktemp("wheel"))


def test_wheel_holds_exactly_the_four_packages(installed: Path) -> None:
    """Tests, tools and documents stay out of the user's site-packages."""
    assert list_top(installed) == PACKAGES


def test_image_holds_no_sandbox(project_root: Path, tmp_path: Path) -> None:
    """What the Dockerfile copies makes a wheel of the bot alone."""
    dockerfile = (project_root / "manifests" / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE)
    for name in " ".join(copied).split():
        path = project_root / name
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, tmp_path / name)
    (out := tmp_path / "out").mkdir()
    build_wheel(tmp_path, out)
    assert list_top(install_wheel(out, out)) == PACKAGES - {"sandbox"}


def test_sandbox_is_an_extra(installed: Path) -> None:
    """What only the sandbox imports comes with `[sandbox]` and not without."""
    (metadata,) = installed.glob("*.dist-info/METADATA")
    needed = re.findall(r"^Requires-Dist: ([\w-]+).*$", metadata.read_text(), re.MULTILINE)
    extra = re.findall(r"^Requires-Dist: ([\w-]+).*extra == .sandbox.", metadata.read_text(), re.MULTILINE)
    assert (set(extra), "slack-bolt" in needed) == ({"aiohttp", "rich"}, True)


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
