"""docs/weather.md is what the tests' marks make it, and each row of docs/field-notes.md has a test."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.house.weather_marks import list_marked, render_weather

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_the_table_is_that_of_the_tests(project_root: Path) -> None:
    """A renamed or a new test takes its line along."""
    assert (project_root / "docs" / "weather.md").read_text() == render_weather(project_root), "run ./dev docs"


def test_a_mark_says_something(project_root: Path) -> None:
    """A few words, and none is lost: the mark is found however a test is decorated."""
    marked = list_marked(project_root)
    assert len(marked) > 40
    assert [one for one in marked if len(one.weather.split()) < 2 and one.weather != "Unschedulable"] == []


def test_every_incident_has_its_test(project_root: Path) -> None:
    """Or says that it is not built yet; that the named tests exist is held for all documents."""
    text = (project_root / "docs" / "field-notes.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| --", "| what"))]
    assert len(rows) > 20
    assert [line[:60] for line in rows if not NAMED.search(line) and "not built yet" not in line] == []
