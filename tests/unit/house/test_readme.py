"""The README says what the program does: its tables equal the program's own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.unit.house.readme import fill_tables


@pytest.fixture(scope="module")
def readme(project_root: Path) -> str:
    """Give the README's text."""
    return (project_root / "README.md").read_text()


def test_tables_are_those_of_the_program(readme: str) -> None:
    """Every setting, field and command is listed as the program itself lists it."""
    assert fill_tables(readme) == readme, "run ./dev docs"


def test_links_lead_somewhere(readme: str, project_root: Path) -> None:
    """No relative link of the README is broken."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", readme)
    assert not [target for target in targets if not (project_root / target).exists()]


def test_version_is_in_the_changelog(project_root: Path) -> None:
    """A version that is released has its entry; the next one is gathered under Unreleased."""
    version = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.+?)\]", (project_root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0] == version
