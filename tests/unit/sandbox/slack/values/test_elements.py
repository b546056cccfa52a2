from __future__ import annotations

from typing import Any

import pytest

from sandbox.slack.values.elements import ValueFault, find_element, name_blocks, read_state, write_value
from tests.unit.sandbox.slack.rig import actions, button, section, text_input

OPTIONS = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("a", "b", "c")]

WRITTEN = [
    ("plain_text_input", "hello", {"value": "hello"}),
    ("static_select", "b", {"selected_option": OPTIONS[1]}),
    ("static_select", None, {"selected_option": None}),
    ("checkboxes", ["a", "c"], {"selected_options": [OPTIONS[0], OPTIONS[2]]}),
    ("multi_users_select", ["U1"], {"selected_users": ["U1"]}),
    ("datepicker", "2026-12-01", {"selected_date": "2026-12-01"}),
    ("timepicker", "02:00", {"selected_time": "02:00"}),
    ("file_input", [{"id": "F1"}], {"files": [{"id": "F1"}]}),
]


@pytest.mark.parametrize(("kind", "value", "written"), WRITTEN)
def test_writes_a_value_as_slack_does(kind: str, value: Any, written: dict[str, Any]) -> None:
    """Each element has its own spelling in state.values."""
    element = {"type": kind, "action_id": "x", "options": OPTIONS}
    assert write_value(element, value) == {"type": kind, **written}


def test_refuses_an_option_that_is_not_offered() -> None:
    """The sentence lists the options there are."""
    element = {"type": "static_select", "action_id": "x", "options": OPTIONS}
    with pytest.raises(ValueFault, match="it offers a, b, c"):
        write_value(element, "d")


def test_names_blocks_and_elements_without_ids() -> None:
    """Slack gives ids to what has none and leaves the others alone."""
    named = name_blocks([section("x"), {"type": "actions", "elements": [{"type": "button"}, button("mine")]}])
    assert all(block["block_id"] for block in named)
    assert named[1]["elements"][1]["action_id"] == "mine"
    assert named[1]["elements"][0]["action_id"]


def test_tells_equal_actions_apart_by_value() -> None:
    """Two buttons in two blocks may share an action_id; the value says which one."""
    blocks = [actions(button("go", "1"), block_id="one"), actions(button("go", "2"), block_id="two")]
    found = find_element(blocks, "go", None, "2")
    assert found is not None
    assert found[0]["block_id"] == "two"


def test_keeps_initial_values_of_what_nobody_touched() -> None:
    """Inputs that a person leaves alone keep their initial value."""
    block = text_input("why")
    block["element"]["initial_value"] = "because"
    assert read_state([block], {})["why"]["typed"]["value"] == "because"


def test_refuses_values_for_inputs_that_are_not_there() -> None:
    """A value without an input is named."""
    with pytest.raises(ValueFault, match="no input named when"):
        read_state([text_input("why")], {"when": "now"})
