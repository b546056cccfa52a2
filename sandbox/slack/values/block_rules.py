"""Block Kit rules: what Slack refuses, by slack_sdk's models and by the limits that they miss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block, RichTextBlock, TaskCardBlock

from sandbox.slack.values.shapes import Json, Refusal, refuse_arguments

Surface = Literal["message", "modal", "home"]
MOST_BLOCKS: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
MOST_MESSAGE_CHARACTERS = 13_200
MOST_FIELD_CHARACTERS = 2_000
MOST_TASKS = 50
MOST_ROWS = 100
MOST_COLUMNS = 20
MOST_ID_CHARACTERS = 255
MOST_OPTIONS = {"checkboxes": 10, "radio_buttons": 10, "overflow": 5}
MOST_OPTION_TEXT = 75
MOST_OPTION_VALUE = 150
MESSAGE_ONLY = frozenset({"plan", "task_card", "table", "context_actions", "carousel"})
MODAL_ONLY = frozenset({"alert"})
MODAL_ONLY_ELEMENTS = frozenset({"file_input"})
INPUT_ONLY_ELEMENTS = frozenset(
    {"plain_text_input", "file_input", "number_input", "email_text_input", "url_text_input", "rich_text_input"}
)


def check_blocks(blocks: Any, surface: Surface) -> list[Json]:
    """Return the blocks as they are. Raises Refusal with JSON pointers, as Slack does."""
    if not isinstance(blocks, list):
        raise refuse_arguments("blocks must be an array [json-pointer:/blocks]", code="invalid_blocks_format")
    faults = list(_list_faults(blocks, surface))
    if faults:
        raise refuse_arguments(*faults[:10], code="invalid_blocks" if surface == "message" else "invalid_arguments")
    if surface == "message":
        _check_size(blocks)
    return blocks


def _check_size(blocks: list[Json]) -> None:
    if len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > MOST_MESSAGE_CHARACTERS:
        raise Refusal("msg_blocks_too_long")
    if sum(block["type"] == "table" for block in blocks) > 1:
        raise Refusal("invalid_attachments", response_metadata={"messages": ["[ERROR] only one table allowed"]})


def _list_faults(blocks: list[Any], surface: Surface) -> Iterator[str]:
    if len(blocks) > MOST_BLOCKS[surface]:
        yield f"no more than {MOST_BLOCKS[surface]} items allowed [json-pointer:/blocks]"
    for number, block in enumerate(blocks):
        yield from _list_block_faults(json.dumps(block), surface, f"/blocks/{number}")
    yield from _repeated(blocks)


@lru_cache(maxsize=5_000)
def _list_block_faults(text: str, surface: Surface, pointer: str) -> tuple[str, ...]:
    """What is wrong with one block as it was written: an edit brings most of a message's blocks once more."""
    block = json.loads(text)
    return (*_block_faults(block, surface, pointer), *_empty_text_faults(block, pointer))


def _block_faults(block: Any, surface: Surface, pointer: str) -> Iterator[str]:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        yield f"missing required field: type [json-pointer:{pointer}]"
        return
    kind = block["type"]
    if fault := _surface_fault(kind, surface):
        yield f"{fault} [json-pointer:{pointer}]"
    try:
        parsed = Block.parse(block)
        written = parsed.to_dict() if parsed else None
    except (SlackObjectFormationError, TypeError, ValueError, AttributeError, KeyError) as error:
        yield f"{error} [json-pointer:{pointer}]"
        return
    if written is None:
        yield f"unsupported type: {kind} [json-pointer:{pointer}/type]"
        return
    yield from _lost_parts(block, written, pointer)
    yield from _extra_rules(block, surface, pointer)


def _surface_fault(kind: str, surface: Surface) -> str | None:
    if kind in MESSAGE_ONLY and surface != "message":
        return f"{kind} blocks are for messages only"
    if kind in MODAL_ONLY and surface != "modal":
        return f"{kind} blocks are for modals only"
    return None


def _lost_parts(given: Any, written: Any, pointer: str) -> Iterator[str]:
    """Name what a model dropped: it knows neither that field nor that element."""
    if isinstance(given, dict) and isinstance(written, dict):
        for key, value in given.items():
            if key in written:
                yield from _lost_parts(value, written[key], f"{pointer}/{key}")
            elif value not in (None, "", [], {}, False):
                yield f"invalid additional property: {key} [json-pointer:{pointer}]"
    elif isinstance(given, list) and isinstance(written, list):
        for number, (item, kept) in enumerate(zip(given, written, strict=False)):
            yield from _lost_parts(item, kept, f"{pointer}/{number}")
    elif isinstance(given, dict) and written is None:
        yield f"unsupported type: {given.get('type')} [json-pointer:{pointer}]"
    elif isinstance(given, str) and isinstance(written, dict):
        yield f"must be an object, not text [json-pointer:{pointer}]"


def _extra_rules(block: Json, surface: Surface, pointer: str) -> Iterator[str]:
    match block["type"]:
        case "section":
            yield from _field_faults(block.get("fields") or [], pointer)
        case "header" if block["text"].get("type") != "plain_text":
            yield f"must be plain_text [json-pointer:{pointer}/text/type]"
        case "plan":
            yield from _plan_faults(block, pointer)
        case "task_card":
            yield from _rich_text_faults(block, pointer)
        case "table":
            yield from _table_faults(block.get("rows") or [], pointer)
        case "container":
            for number, child in enumerate(block.get("child_blocks") or []):
                yield from _child_faults(child, surface, f"{pointer}/child_blocks/{number}")
    yield from _all_element_faults(block, surface, pointer)


def _all_element_faults(block: Json, surface: Surface, pointer: str) -> Iterator[str]:
    if block["type"] == "container":
        return
    for path, element in list_elements(block):
        yield from _element_faults(element, surface, pointer + path, in_input=block["type"] == "input")


def _child_faults(child: Any, surface: Surface, pointer: str) -> Iterator[str]:
    if isinstance(child, dict) and child.get("type") in ("plan", "container", "carousel"):
        yield f"{child['type']} cannot stand in a container [json-pointer:{pointer}]"
        return
    yield from _block_faults(child, surface, pointer)


def _field_faults(fields: list[Any], pointer: str) -> Iterator[str]:
    for number, field in enumerate(fields):
        if isinstance(field, dict) and len(str(field.get("text", ""))) > MOST_FIELD_CHARACTERS:
            limit = MOST_FIELD_CHARACTERS
            yield f"must be less than {limit + 1} characters [json-pointer:{pointer}/fields/{number}/text]"


def _plan_faults(block: Json, pointer: str) -> Iterator[str]:
    cards = block.get("tasks") or []
    if not isinstance(block.get("title"), str) or not block["title"]:
        yield f"missing required field: title [json-pointer:{pointer}]"
    if len(cards) > MOST_TASKS:
        yield f"no more than {MOST_TASKS} items allowed [json-pointer:{pointer}/tasks]"
    ids = [card.get("task_id") for card in cards if isinstance(card, dict)]
    if len(set(ids)) != len(ids):
        yield f"task_id must be unique [json-pointer:{pointer}/tasks]"
    for number, card in enumerate(cards):
        yield from _card_faults(card, f"{pointer}/tasks/{number}")


def _card_faults(card: Any, pointer: str) -> Iterator[str]:
    if not isinstance(card, dict):
        yield f"must be an object [json-pointer:{pointer}]"
        return
    yield from _list_card_faults(json.dumps(card), pointer)


@lru_cache(maxsize=5_000)
def _list_card_faults(text: str, pointer: str) -> tuple[str, ...]:
    """The same of one card as it was written: an edit of a plan brings most of its cards once more."""
    return tuple(_read_card_faults(json.loads(text), pointer))


def _read_card_faults(card: Json, pointer: str) -> Iterator[str]:
    try:
        fields = {key: value for key, value in card.items() if key != "type"}
        written = TaskCardBlock(**fields).to_dict()
    except (SlackObjectFormationError, TypeError) as error:
        yield f"{error} [json-pointer:{pointer}]"
        return
    yield from _lost_parts(fields, written, pointer)
    yield from _rich_text_faults(card, pointer)


def _rich_text_faults(card: Json, pointer: str) -> Iterator[str]:
    for name in ("details", "output"):
        value = card.get(name)
        if value is None:
            continue
        if not isinstance(value, dict) or value.get("type") != RichTextBlock.type:
            yield f"must be a rich_text object [json-pointer:{pointer}/{name}]"
            continue
        try:
            yield from _lost_parts(value, RichTextBlock(**value).to_dict(), f"{pointer}/{name}")
        except (SlackObjectFormationError, TypeError, AttributeError) as error:
            yield f"{error} [json-pointer:{pointer}/{name}]"


def _table_faults(rows: list[Any], pointer: str) -> Iterator[str]:
    if len(rows) > MOST_ROWS:
        yield f"no more than {MOST_ROWS} items allowed [json-pointer:{pointer}/rows]"
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) > MOST_COLUMNS:
            yield f"must be an array of at most {MOST_COLUMNS} cells [json-pointer:{pointer}/rows/{number}]"
            continue
        for column, cell in enumerate(row):
            if not isinstance(cell, dict) or (cell.get("type") == "raw_text" and not cell.get("text")):
                yield f"missing required field: text [json-pointer:{pointer}/rows/{number}/{column}]"


def _element_faults(element: Json, surface: Surface, pointer: str, *, in_input: bool) -> Iterator[str]:
    kind = element.get("type")
    if kind in MODAL_ONLY_ELEMENTS and surface != "modal":
        yield f"{kind} is for modals only [json-pointer:{pointer}]"
    if kind in INPUT_ONLY_ELEMENTS and not in_input:
        yield f"{kind} must stand in an input block [json-pointer:{pointer}]"
    yield from _option_faults(element, pointer)
    if kind == "button" and (element.get("text") or {}).get("type") != "plain_text":
        yield f"must be plain_text [json-pointer:{pointer}/text/type]"


def _option_faults(element: Json, pointer: str) -> Iterator[str]:
    """What Slack says of choices: how many, and how long their texts and values may be."""
    groups = element.get("option_groups") or []
    most = MOST_OPTIONS.get(str(element.get("type")), 100)
    lists = [("/options", element.get("options") or [])]
    lists += [(f"/option_groups/{n}/options", group.get("options") or []) for n, group in enumerate(groups)]
    if len(groups) > 100:
        yield f"no more than 100 items allowed [json-pointer:{pointer}/option_groups]"
    for path, options in lists:
        if len(options) > most:
            yield f"no more than {most} items allowed [json-pointer:{pointer}{path}]"
        for number, option in enumerate(options):
            place = f"{pointer}{path}/{number}"
            if len(str((option.get("text") or {}).get("text", ""))) > MOST_OPTION_TEXT:
                yield f"must be less than {MOST_OPTION_TEXT + 1} characters [json-pointer:{place}/text/text]"
            if len(str(option.get("value", ""))) > MOST_OPTION_VALUE:
                yield f"must be less than {MOST_OPTION_VALUE + 1} characters [json-pointer:{place}/value]"


def _empty_text_faults(part: Any, pointer: str) -> Iterator[str]:
    """Texts of nothing, which Slack refuses wherever they stand."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from _empty_text_faults(item, f"{pointer}/{number}")
    if not isinstance(part, dict):
        return
    if part.get("type") in ("plain_text", "mrkdwn") and not part.get("text"):
        yield f"must be more than 0 characters [json-pointer:{pointer}/text]"
    for name, item in part.items():
        yield from _empty_text_faults(item, f"{pointer}/{name}")


def _repeated(blocks: list[Any]) -> Iterator[str]:
    block_ids: set[str] = set()
    for number, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if block_id and block_id in block_ids:
            yield f"block_id {block_id} is used twice [json-pointer:/blocks/{number}/block_id]"
        block_ids.add(str(block_id))
        actions = [element["action_id"] for _, element in list_elements(block) if element.get("action_id")]
        for action in {action for action in actions if actions.count(action) > 1}:
            yield f"action_id {action} is used twice in one block [json-pointer:/blocks/{number}]"


def list_elements(block: Json) -> Iterator[tuple[str, Json]]:
    """Yield a block's interactive elements with their pointers, those inside containers too."""
    accessory = block.get("accessory")
    if isinstance(accessory, dict):
        yield "/accessory", accessory
    element = block.get("element")
    if isinstance(element, dict):
        yield "/element", element
    if block.get("type") in ("actions", "context_actions"):
        for number, item in enumerate(block.get("elements") or []):
            if isinstance(item, dict):
                yield f"/elements/{number}", item
    for number, child in enumerate(block.get("child_blocks") or []):
        if isinstance(child, dict):
            for path, item in list_elements(child):
                yield f"/child_blocks/{number}{path}", item
