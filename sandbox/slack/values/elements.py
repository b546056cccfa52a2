"""Interactive elements: ids for those without, finding them, and the values that a person gave them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.slack.values.block_rules import list_elements
from sandbox.slack.values.shapes import Json, copy_json
from sandbox.slack.values.stamps import make_secret


class ValueFault(ValueError):
    """A value that the element cannot take; the message says why."""


def name_blocks(blocks: list[Json], taken: Callable[[], str] = lambda: make_secret(5)) -> list[Json]:
    """Return a copy in which every block has a block_id and every interactive element an action_id."""
    named = copy_json(blocks)
    for block in named:
        block.setdefault("block_id", taken())
        for child in block.get("child_blocks") or []:
            child.setdefault("block_id", taken())
        for _, element in list_elements(block):
            element.setdefault("action_id", taken())
    return named


def walk_blocks(blocks: list[Json]) -> Iterator[Json]:
    """Yield every block, then those inside containers."""
    for block in blocks:
        yield block
        yield from walk_blocks(block.get("child_blocks") or [])


def find_element(blocks: list[Json], action: str, block_id: str | None, value: Any = None) -> tuple[Json, Json] | None:
    """Return (block, element) for an action_id; among several the one in that block or with that value."""
    found = [
        (block, element)
        for block in walk_blocks(blocks)
        if not block.get("child_blocks")
        for _, element in list_elements(block)
        if element.get("action_id") == action and block_id in (None, block["block_id"])
    ]
    if len(found) > 1 and value is not None:
        return next((pair for pair in found if pair[1].get("value") == value), found[0])
    return found[0] if found else None


def read_state(blocks: list[Json], values: Json) -> Json:
    """Return Slack's state.values: what a person gave, else the initial values.

    `values` is {action_id: value} or {block_id: {action_id: value}}; a value is text, an option's value,
    a list of them, or the element's state as Slack writes it. Raises ValueFault.
    """
    state: Json = {}
    unused = dict(_flatten(values))
    for block in walk_blocks(blocks):
        if block.get("child_blocks"):
            continue
        for _, element in list_elements(block):
            entry = _element_state(block, element, unused)
            if entry is not None:
                state.setdefault(block["block_id"], {})[element["action_id"]] = entry
    if unused:
        names = ", ".join(sorted("/".join(filter(None, key)) for key in unused))
        raise ValueFault(f"this view has no input named {names}")
    return state


def _flatten(values: Json) -> Iterator[tuple[tuple[str, str], Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and "type" not in value:
            for action, inner in value.items():
                yield (key, action), inner
        else:
            yield ("", key), value


def _element_state(block: Json, element: Json, given: dict[tuple[str, str], Any]) -> Json | None:
    keys = [(block["block_id"], element["action_id"]), ("", element["action_id"]), ("", block["block_id"])]
    key = next((key for key in keys if key in given), None)
    value = given.pop(key) if key else None
    if element["type"] in ("button", "overflow", "image", "workflow_button", "feedback_buttons", "icon_button"):
        return None
    if key is None:
        return initial_state(element)
    return write_value(element, value)


def initial_state(element: Json) -> Json:
    """Return an untouched element's entry in state.values."""
    kind = element["type"]
    entry: Json = {"type": kind}
    match kind:
        case "plain_text_input" | "number_input" | "email_text_input" | "url_text_input":
            entry["value"] = element.get("initial_value")
        case "static_select" | "external_select" | "radio_buttons":
            entry["selected_option"] = element.get("initial_option")
        case "multi_static_select" | "multi_external_select" | "checkboxes":
            entry["selected_options"] = element.get("initial_options") or []
        case "file_input":
            entry["files"] = []
        case "rich_text_input":
            entry["rich_text_value"] = element.get("initial_value")
        case _:
            name, initial = SELECTED.get(kind, ("value", "initial_value"))
            entry[name] = element.get(initial, [] if name.endswith("s") else None)
    return entry


SELECTED = {
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}


def write_value(element: Json, value: Any) -> Json:
    """Return an element's entry in state.values for a person's value. Raises ValueFault."""
    kind = element["type"]
    if isinstance(value, dict) and value.get("type") == kind:
        return value
    entry: Json = {"type": kind}
    match kind:
        case "static_select" | "radio_buttons" | "external_select" | "overflow":
            entry["selected_option"] = pick_option(element, value) if value not in (None, "") else None
        case "multi_static_select" | "multi_external_select" | "checkboxes":
            entry["selected_options"] = [pick_option(element, item) for item in _listed(value)]
        case "file_input":
            entry["files"] = _listed(value)
        case "timepicker":
            entry["selected_time"] = value or None
            if element.get("timezone"):
                entry["timezone"] = element["timezone"]
        case _:
            name, _initial = SELECTED.get(kind, ("value", ""))
            several = kind.startswith("multi_")
            entry[name] = _listed(value) if several else (value if value not in ("",) else None)
    return entry


def pick_option(element: Json, value: Any) -> Json:
    """Return the option with this value. Raises ValueFault where there is none."""
    if isinstance(value, dict):
        return value
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options += group.get("options") or []
    chosen = next((option for option in options if option.get("value") == value), None)
    if chosen is None:
        if element["type"].endswith("external_select"):
            return {"text": {"type": "plain_text", "text": str(value)}, "value": str(value)}
        offered = ", ".join(str(option.get("value")) for option in options)
        raise ValueFault(f"{element['action_id']} has no option {value!r}; it offers {offered}")
    return dict(chosen)


def _listed(value: Any) -> list[Any]:
    if value in (None, ""):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
