"""What people read has no names that only the code knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from steps.plan import STEPS

# Ids that travel unseen: of blocks, of buttons, and what programs find at a message.
UNSEEN = re.compile(r'"(block_id|value|metadata|action_id|private_metadata)":.*')
GOLDENS = ("transcript.txt", "rollback.txt", "slack")


@pytest.mark.parametrize("name", GOLDENS)
def test_no_golden_sentence_names_a_step_by_its_id(name: str, project_root: Path) -> None:
    """A phase has a name that people use."""
    place = project_root / "tests" / "golden" / name
    files = sorted(place.glob("*")) if place.is_dir() else [place]
    seen = {file.name: UNSEEN.sub("", file.read_text(encoding="utf-8")) for file in files}
    named = {(file, step) for file, text in seen.items() for step in STEPS if re.search(rf"\b{step}\b", text)}
    assert named == set()
