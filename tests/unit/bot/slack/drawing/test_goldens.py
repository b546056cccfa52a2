"""Every kind of message as it was last agreed on. GOLDEN=write makes the files anew: read their diff."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bot.slack.drawing.cards import Look
from bot.slack.drawing.messages import draw_message
from tests.unit.bot.slack.samples import EVERYBODYS, SAMPLES


def compare_golden(path: Path, text: str) -> None:
    """Hold a text against its golden file."""
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("look", ["rich", "plain"])
@pytest.mark.parametrize("name", SAMPLES)
def test_message_looks_as_agreed(name: str, look: Look, project_root: Path) -> None:
    """A change of what people see is a change of a golden file."""
    message, view = SAMPLES[name]
    drawing = draw_message(message, view, look, EVERYBODYS)
    shown = {"text": drawing.text, "blocks": drawing.blocks, "metadata": drawing.metadata}
    text = json.dumps(shown, indent=2, ensure_ascii=False) + "\n"
    compare_golden(project_root / "tests" / "golden" / "slack" / f"{name}.{look}.json", text)
