"""docs/security.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_test_that_shows_a_defence_exists(project_root: Path) -> None:
    """A renamed test takes its line along."""
    named = NAMED.findall((project_root / "docs" / "security.md").read_text())
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (project_root / path).read_text()]
    assert (missing, len(named) > 40) == ([], True)
