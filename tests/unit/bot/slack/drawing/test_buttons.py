"""Buttons carry an opaque value that is only a claim."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from bot.journal.bodies import FinishedBody, decode_choices
from bot.people.rights import list_legal_actions
from bot.slack.drawing.buttons import (
    PREFIX,
    Target,
    build_choices,
    build_controls,
    read_action,
    read_value,
    write_value,
)
from bot.slack.drawing.messages import draw_message
from steps.contract.cards import APPROVE, Choice
from tests.unit.bot.slack.samples import (
    BEN,
    EVERYBODYS,
    SAMPLES,
    build_asking_view,
    build_gate_body,
    build_message,
    build_view,
    choice_body,
    read_blocks,
)

SAID: tuple[dict[str, Any], ...] = (
    {},
    {"needs_reason": True},
    {"reason": "down"},
    {"reason": "a|b||c"},
    {"journal": "ab12cd34"},
    {"confirmed": True},
    {"confirmed": True, "needs_reason": True},
    {"confirmed": True, "reason": "a|b||c"},
)


@pytest.mark.parametrize("said", SAID)
def test_a_value_is_read_as_it_was_written(said: dict[str, Any]) -> None:
    """One function writes it, one reads it; a reason may hold what parts the value."""
    target = Target("cluster-x-7", "control-plane/approve", 3, **said)
    assert read_value(write_value(target)) == target


def test_a_reason_as_long_as_any_fits_beside_the_longest_ids() -> None:
    """Slack takes 2,000 characters."""
    target = Target("u" * 300, "s" * 180, 999_999_999, reason="r" * 500)
    assert read_value(write_value(target)) == target


def test_a_choice_whose_reason_was_given_opens_no_form() -> None:
    """The button carries it."""
    (button,) = build_choices([Choice("deny", "Deny", needs_reason=True)], Target("u", "s", 1, reason="why"))
    assert button.value == "u|s|1||why"


@pytest.mark.parametrize(("again", "value"), [("", "u|s|1"), ("Replace 68 objects?", "u|s|1|asked")])
def test_a_button_that_asks_once_more_says_so_in_its_value(again: str, value: str) -> None:
    """No other way leads to that value: whoever pressed it was asked."""
    (button,) = build_choices([Choice("approve", "Approve", confirm=again)], Target("u", "s", 1))
    assert (bool(button.confirm), button.value) == (bool(again), value)


@pytest.mark.parametrize(("generation", "again"), [(1, False), (2, True)])
def test_a_card_has_the_buttons_of_its_question_as_it_would_be_decided_now(generation: int, again: bool) -> None:
    """Whatever it was made with; one whose question is open no more keeps those."""
    choices = [choice_body(replace(APPROVE, confirm="Replace 68?"))]
    message = build_message("gate", build_gate_body(choices=choices, generation=generation))
    blocks = read_blocks(draw_message(message, build_asking_view(), "rich", EVERYBODYS))
    drawn = [one for block in blocks for one in block.get("elements", ()) if one.get("type") == "button"]
    (approve,) = (one for one in drawn if one["text"]["text"] == "Approve")
    assert bool(approve.get("confirm")) == again


@pytest.mark.parametrize("name", SAMPLES)
def test_every_button_that_orders_something_carries_the_mark_of_its_bot(name: str) -> None:
    """Another bot of the same Slack app may be handed the click."""
    message, view = SAMPLES[name]
    blocks = read_blocks(draw_message(message, view, "rich", replace(EVERYBODYS, journal="ab12cd34")))
    buttons = [one for block in blocks for one in block.get("elements", ()) if one.get("type") == "button"]
    targets = [read_value(one["value"]) for one in buttons if one["action_id"].startswith(PREFIX)]
    assert all(target is not None and target.journal == "ab12cd34" for target in targets)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        "a|b",
        "a|b|c",
        "|b|1",
        "a|b|1|other",
        "a|b|-1",
        "a|b|1|reason|x",
        "a|b|1|",
        "a|b|1||",
        "a|b|1|asked|",
        "a|b|1|asked+other",
        "a|b|1|reason+asked|x",
        "a|b|²",
        "a|" * 300,
    ],
)
def test_a_forged_value_is_not_read(forged: str) -> None:
    """Nothing that the bot can't have written is taken."""
    assert read_value(forged) is None


@pytest.mark.parametrize(
    ("action_id", "meaning"),
    [
        ("asm:approve", ("approve", "approve")),
        ("asm:deny", ("deny", "deny")),
        ("asm:pause", ("pause", "")),
        ("asm:break-glass", ("break-glass", "")),
        ("asm:decide:accept", ("decide", "accept")),
        ("asm:decide:", None),
        ("asm:approve:all", None),
        ("asm:start", None),
        ("other:approve", None),
    ],
)
def test_action_ids_have_one_meaning(action_id: str, meaning: tuple[str, str] | None) -> None:
    """An action id that no button has means nothing."""
    assert read_action(action_id) == meaning


def test_a_choice_that_needs_a_reason_says_so_in_its_value() -> None:
    """The listener opens a form for it then."""
    (button,) = build_choices([Choice("deny", "Deny", needs_reason=True)], Target("u", "s", 1))
    assert button.value == "u|s|1|reason"


def test_pause_is_one_click_and_abort_opens_the_form_for_its_reason() -> None:
    """Neither has a dialog before it."""
    assert [button.confirm for button in build_controls(build_view(), ["pause", "abort"], EVERYBODYS)] == [None, None]


def test_controls_follow_what_is_legal() -> None:
    """A finished upgrade has no buttons."""
    assert build_controls(build_view(legal=()), ["pause", "abort"], EVERYBODYS) == []


@pytest.mark.parametrize(
    ("stored", "style"),
    [
        ({"weight": "main"}, "primary"),
        ({"weight": "grave"}, "danger"),
        ({"weight": ""}, None),
        ({"style": "primary"}, "primary"),
        ({"style": "danger"}, "danger"),
        ({"style": ""}, None),
    ],
)
def test_a_choice_is_drawn_by_its_weight(stored: dict[str, str], style: str | None) -> None:
    """Rows of earlier versions have Slack's style in its place."""
    choices = decode_choices(json.dumps([{"id": "approve", "label": "Approve", **stored}]))
    (button,) = build_choices(choices, Target("cluster-x-7"))
    assert button.style == style


def list_buttons(value: Any) -> Iterator[dict[str, Any]]:
    """Every button in blocks."""
    if isinstance(value, dict):
        if value.get("type") == "button":
            yield value
        for part in value.values():
            yield from list_buttons(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from list_buttons(part)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_button_tells_a_screen_reader_what_it_is_of(name: str) -> None:
    """`Approve` alone is every approval."""
    message, view = SAMPLES[name]
    for button in list_buttons(draw_message(message, view, "rich", EVERYBODYS).blocks):
        assert "cluster-x-7" in button["accessibility_label"]


@pytest.mark.parametrize(("paused", "shown"), [("", ["Approve", "Deny", "Pause", "Abort"]), (BEN, ["Resume", "Abort"])])
def test_a_card_has_the_buttons_that_are_legal_now(paused: str, shown: list[str]) -> None:
    """While it is paused nothing is decided."""
    legal = list_legal_actions("asking", bool(paused), False)
    view = replace(build_asking_view(), paused_by=paused, legal=legal)
    drawn = draw_message(build_message("gate", build_gate_body()), view, "rich", EVERYBODYS).blocks
    assert [button["text"]["text"] for button in list_buttons(drawn)] == shown


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize(
    "name", ["root-running", "root-asking", "root-paused", "root-blocked", "gate", "gate-moved", "blocked"]
)
def test_whatever_can_be_taken_back_says_so(name: str, written: bool) -> None:
    """From the first write on every card and the root have the button: while it runs, asks, is paused or blocked."""
    message, view = SAMPLES[name]
    assert view is not None
    legal = (*view.legal, "rollback") if written else view.legal
    drawn = draw_message(message, replace(view, legal=legal), "rich", EVERYBODYS)
    assert ("asm:rollback" in [button["action_id"] for button in list_buttons(drawn.blocks)]) is written


@pytest.mark.parametrize("written", [True, False])
def test_the_report_has_the_button_for_as_long_as_the_setting_says(written: bool) -> None:
    """Then it is taken off the message; an upgrade that wrote nothing never has it."""
    message, view = SAMPLES["finished"]
    assert isinstance(message.body, FinishedBody)
    told = replace(message, body=structs.replace(message.body, returnable=written))
    drawn = draw_message(told, view, "rich", EVERYBODYS)
    assert ("asm:rollback" in [button["action_id"] for button in list_buttons(drawn.blocks)]) is written
