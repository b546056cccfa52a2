from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from sandbox.watching.terminal import Lines, LivePanel, written

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


def test_a_drawn_bar_is_left_out_of_lines() -> None:
    """The count beside it says the same."""
    assert printed(message("1", "progress", "1/9 pods\n`█░` 1/9 pods")) == ["… 1/9 pods"]


def test_an_answer_to_one_person_says_so() -> None:
    """Others in the channel don't see it."""
    private = {**message("1", "", "You approved."), "is_ephemeral": True}
    assert printed(private) == ["  (only you see this) You approved."]


def test_a_closed_question_prints_its_ending_only() -> None:
    """What was there before is not repeated."""
    assert written("gate", "Approve?\napproved by @ben", "Approve?") == "✋ approved by @ben"


def panel() -> tuple[LivePanel, io.StringIO]:
    """Make a live panel that draws into text."""
    out = io.StringIO()
    return LivePanel(Console(file=out, force_terminal=True, width=100, highlight=False)), out


def test_a_count_is_drawn_as_a_bar() -> None:
    """And left as a line when it is complete."""
    live, out = panel()
    for done in (1, 5, 9):
        live.show_message(message("1", "progress", f"Re-injecting\n`██` {done}/9 pods, 96/min"), NAMES)
    live.close()
    assert "━" in out.getvalue()
    assert out.getvalue().rstrip().endswith("… 9/9 pods, 96/min")


def test_a_second_count_gets_a_bar_of_its_own() -> None:
    """After the first one was left."""
    live, out = panel()
    for ts in ("1", "2"):
        for done in (1, 9):
            live.show_message(message(ts, "progress", f"{done}/9 pods"), NAMES)
    live.close()
    assert out.getvalue().count("… 9/9 pods") == 2


def test_square_brackets_of_a_message_are_text() -> None:
    """A terminal's own markup is not read from messages."""
    live, out = panel()
    live.show_message(message("1", "milestone", "[red]pods[/red] moved"), NAMES)
    live.close()
    assert "[red]pods[/red] moved" in out.getvalue()
