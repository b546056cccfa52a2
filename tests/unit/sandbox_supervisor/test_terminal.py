from __future__ import annotations

import io
from typing import Any

from sandbox.terminal import Lines, written

NAMES = {"U0BEN00002": "ben"}


def message(ts: str, kind: str, text: str) -> dict[str, Any]:
    """Make a message of the bot."""
    return {
        "ts": ts,
        "text": text,
        "metadata": {"event_type": "asm_upgrade_message", "event_payload": {"kind": kind}},
    }


def printed(*messages: dict[str, Any]) -> list[str]:
    """Return what is printed, without the clock."""
    out = io.StringIO()
    lines = Lines(out)
    for each in messages:
        lines.show_message(each, NAMES)
    return [line.partition(" ")[2] for line in out.getvalue().splitlines()]


def test_a_milestone_is_a_line() -> None:
    """With its sign."""
    assert printed(message("1", "milestone", "Verified OK")) == ["• Verified OK"]


def test_an_unchanged_message_is_printed_once() -> None:
    """An edit of the blocks alone says nothing new."""
    assert printed(message("1", "gate", "Approve?"), message("1", "gate", "Approve?")) == ["✋ Approve?"]


def test_edits_of_the_root_are_not_repeated() -> None:
    """The phases speak for themselves in the thread."""
    assert printed(message("1", "root", "cluster-x"), message("1", "root", "cluster-x: download")) == ["▶ cluster-x"]


def test_progress_is_printed_as_it_moves() -> None:
    """Each new count is a line."""
    shown = printed(message("1", "progress", "1/9 pods"), message("1", "progress", "2/9 pods"))
    assert shown == ["… 1/9 pods", "… 2/9 pods"]


def test_a_closed_question_prints_its_ending_only() -> None:
    """What was there before is not repeated."""
    assert written("gate", "Approve?\napproved by @ben", "Approve?") == "✋ approved by @ben"
