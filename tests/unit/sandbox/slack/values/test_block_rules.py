from __future__ import annotations

from typing import Any

import pytest

from sandbox.slack.values.block_rules import check_blocks
from sandbox.slack.values.shapes import Refusal
from tests.unit.sandbox.slack.rig import actions, button, section

Json = dict[str, Any]


def plan(*cards: Json, **more: Any) -> Json:
    """Return a plan block."""
    return {"type": "plan", "title": "Upgrade", "tasks": list(cards), **more}


def card(number: int = 1, **more: Any) -> Json:
    """Return a task_card inside a plan."""
    return {"task_id": f"t{number}", "title": "Prepare", "status": "pending", **more}


def text(kind: str, content: str) -> Json:
    """Return a text object."""
    return {"type": kind, "text": content}


REFUSED = {
    "51 blocks": ([section("x") for _ in range(51)], "no more than 50 items"),
    "section of 3001 characters": ([section("x" * 3001)], "3000 characters"),
    "field of 2001 characters": ([{"type": "section", "fields": [text("mrkdwn", "x" * 2001)]}], "2001 characters"),
    "11 fields": ([{"type": "section", "fields": [text("mrkdwn", "x")] * 11}], "fields"),
    "header in mrkdwn": ([{"type": "header", "text": text("mrkdwn", "x")}], "plain_text"),
    "bare text": ([{"type": "section", "text": "x"}], "must be an object"),
    "unknown block": ([{"type": "panel"}], "unsupported type: panel"),
    "unknown element": ([{"type": "actions", "elements": [{"type": "lever"}]}], "unsupported type: lever"),
    "unknown field": ([section("x", colour="red")], "invalid additional property: colour"),
    "block without type": ([{"text": "x"}], "missing required field: type"),
    "repeated block_id": ([section("x", block_id="a"), section("y", block_id="a")], "used twice"),
    "repeated action_id": ([actions(button("a"), button("a"))], "used twice"),
    "button value of 2001": ([actions(button("a", "x" * 2001))], "2000"),
    "26 buttons": ([actions(*(button(f"a{n}") for n in range(26)))], "25"),
    "51 cards": ([plan(*(card(n) for n in range(51)))], "no more than 50"),
    "repeated card": ([plan(card(1), card(1))], "task_id must be unique"),
    "card status": ([plan(card(1, status="waiting"))], "status must be"),
    "card details as text": ([plan(card(1, details="x"))], "rich_text"),
    "unknown card field": ([plan(card(1, percent=3))], "invalid additional property: percent"),
    "plan without title": ([{"type": "plan", "title": "", "tasks": []}], "title"),
    "text input outside input": ([actions({"type": "plain_text_input", "action_id": "a"})], "input block"),
    "file input in a message": (
        [{"type": "input", "label": text("plain_text", "x"), "element": {"type": "file_input", "action_id": "a"}}],
        "modals only",
    ),
    "alert in a message": ([{"type": "alert", "text": text("mrkdwn", "x")}], "modals only"),
    "table of 101 rows": ([{"type": "table", "rows": [[text("raw_text", "x")]] * 101}], "no more than 100"),
    "table of 21 columns": ([{"type": "table", "rows": [[text("raw_text", "x")] * 21]}], "at most 20"),
    "empty cell": ([{"type": "table", "rows": [[text("raw_text", "")]]}], "missing required field: text"),
    "plan in a container": (
        [{"type": "container", "title": text("plain_text", "x"), "child_blocks": [plan(card())]}],
        "cannot stand in a container",
    ),
    "long text in a container": (
        [{"type": "container", "title": text("plain_text", "x"), "child_blocks": [section("x" * 3001)]}],
        "3000",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_what_slack_refuses(name: str) -> None:
    """Blocks that Slack refuses are refused with a sentence and a JSON pointer."""
    blocks, sentence = REFUSED[name]
    with pytest.raises(Refusal) as refused:
        check_blocks(blocks, "message")
    messages = " ".join(refused.value.details["response_metadata"]["messages"])
    assert refused.value.code == "invalid_blocks"
    assert sentence in messages
    assert "[json-pointer:" in messages


def test_refuses_blocks_that_are_no_list() -> None:
    """An object instead of an array is invalid_blocks_format."""
    with pytest.raises(Refusal, match="invalid_blocks_format"):
        check_blocks({"type": "divider"}, "message")


def test_refuses_too_many_characters_in_all() -> None:
    """Blocks of more than about 13,200 characters together are too long for one message."""
    with pytest.raises(Refusal, match="msg_blocks_too_long"):
        check_blocks([section("x" * 2900) for _ in range(5)], "message")


def test_refuses_a_second_table() -> None:
    """A message holds one table."""
    table = {"type": "table", "rows": [[text("raw_text", "x")]]}
    with pytest.raises(Refusal, match="invalid_attachments"):
        check_blocks([table, table], "message")


def test_refuses_a_plan_in_a_modal() -> None:
    """Plans are for messages."""
    with pytest.raises(Refusal, match="invalid_arguments"):
        check_blocks([plan(card())], "modal")


def test_takes_a_rich_card() -> None:
    """A plan with details, output and sources passes."""
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [text("text", "done")]}]}
    source = {"type": "url", "url": "https://example.com", "text": "runbook"}
    blocks = [plan(card(1, details=rich, output=rich, sources=[source]), card(2, status="complete"))]
    assert check_blocks(blocks, "message") is blocks
