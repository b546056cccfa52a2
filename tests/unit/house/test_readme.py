"""The documentation says what the program does: its tables equal the program's own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.journal.records import Action
from tests.unit.house.tables import fill_tables, list_tables, name_who

MOST_WORDS = 900
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@pytest.mark.parametrize("document", list_tables())
def test_tables_are_those_of_the_program(project_root: Path, document: str) -> None:
    """Every setting, field and command is listed as the program itself lists it."""
    text = (project_root / "docs" / document).read_text()
    assert fill_tables(document, text) == text, "run ./dev docs"


@pytest.mark.parametrize(
    ("action", "who"),
    [
        ("start", "`requesters`"),
        ("approve", "`approvers`"),
        ("decide", "`approvers`"),
        ("break-glass", "`break_glass`"),
        ("rollback", "any of the three"),
        ("log", "everybody"),
    ],
)
def test_who_may_give_a_command_is_what_the_rules_say(action: Action, who: str) -> None:
    """The table asks the rules that are asked at each click."""
    assert name_who(action) == who


def test_the_readme_is_read_in_some_minutes(project_root: Path) -> None:
    """Tables and rules stand in docs; what only the tests read does not count."""
    assert len(COMMENT.sub("", (project_root / "README.md").read_text()).split()) < MOST_WORDS


def test_the_first_lines_say_that_asm_1_4_is_out_of_support(project_root: Path) -> None:
    """And whom the bot serves all the same."""
    head = " ".join(COMMENT.sub("", (project_root / "README.md").read_text()).split()[:130])
    assert "out of support since September 2020" in head
    assert "for platform teams that still run it" in head


def test_version_is_in_the_changelog(project_root: Path) -> None:
    """A version that is released has its entry; the next one is gathered under Unreleased."""
    version = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.+?)\]", (project_root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0] == version
