"""The locked dependency set is complete, has hashes and names no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

# What builds the site; it is installed beside the tests, and by nobody else.
DOCS = "constraints-docs.txt"
LOCKS = ("constraints.txt", "constraints-sandbox.txt", "constraints-runtime.txt")


def read_pins(path: Path) -> dict[str, str]:
    """Map each locked distribution to its version."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", path.read_text(), re.MULTILINE))


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~;\[ ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def read_settings(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", [*LOCKS, DOCS])
def test_lock_names_no_address(project_root: Path, name: str) -> None:
    """The same file serves any registry or mirror."""
    text = (project_root / name).read_text()
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)


@pytest.mark.parametrize("name", [*LOCKS, DOCS])
def test_every_pin_has_a_hash(project_root: Path, name: str) -> None:
    """pip and uv refuse a file that was not the one locked."""
    entries = re.split(r"\n(?=[a-z0-9])", (project_root / name).read_text())
    assert not [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry]


def test_each_lock_is_a_part_of_the_larger_one(project_root: Path) -> None:
    """What the tests ran with is what the sandbox and the bot run with."""
    whole, sandbox, runtime = (read_pins(project_root / name) for name in LOCKS)
    assert runtime.items() < sandbox.items() < whole.items()


def test_sandbox_lock_covers_its_extra(project_root: Path) -> None:
    """./dev sandbox needs nothing that is not locked."""
    wanted = names_of(read_settings(project_root)["project"]["optional-dependencies"]["sandbox"])
    assert wanted <= read_pins(project_root / "constraints-sandbox.txt").keys()


def test_runtime_lock_covers_the_dependencies_and_the_build(project_root: Path) -> None:
    """`pip install --no-deps` of the project itself leaves nothing missing."""
    settings = read_settings(project_root)
    wanted = names_of(settings["project"]["dependencies"] + settings["dependency-groups"]["build"])
    assert wanted <= read_pins(project_root / "constraints-runtime.txt").keys()


def test_lock_covers_the_development_tools(project_root: Path) -> None:
    """./dev test and ./dev check need nothing that is not locked."""
    wanted = names_of(read_settings(project_root)["dependency-groups"]["dev"])
    assert wanted <= read_pins(project_root / "constraints.txt").keys()


@pytest.mark.parametrize("name", LOCKS[1:])
def test_locks_of_users_leave_the_development_tools_out(project_root: Path, name: str) -> None:
    """A machine that only runs the bot or the sandbox gets no type checker and no browser driver."""
    assert not {"mypy", "playwright", "pytest", "ruff"} & read_pins(project_root / name).keys()


def test_runtime_lock_leaves_the_sandbox_out(project_root: Path) -> None:
    """The bot draws nothing in a terminal; aiohttp stays, since the Kubernetes client asks for it."""
    assert "rich" not in read_pins(project_root / "constraints-runtime.txt")


def test_the_sites_lock_covers_its_group_and_agrees_with_the_tests(project_root: Path) -> None:
    """Both stand in one environment."""
    pins, whole = read_pins(project_root / DOCS), read_pins(project_root / "constraints.txt")
    assert names_of(read_settings(project_root)["dependency-groups"]["docs"]) <= pins.keys()
    assert {name for name in pins.keys() & whole.keys() if pins[name] != whole[name]} == set()


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_but_the_site_needs_its_builder(project_root: Path, name: str) -> None:
    """Neither the image nor the sandbox nor the tests."""
    assert not {"mkdocs", "mkdocs-material"} & read_pins(project_root / name).keys()
