"""A row of the outbox as what Slack is given: text, blocks and metadata, inside Slack's limits. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

from slack_sdk.models.blocks import Block

from bot.journal.bodies import Asking, FinishedBody, Message, ProgressBody, ReminderBody, RootBody, UnreadableBody
from bot.slack.drawing.cards import HASHES, Look, build_note
from bot.slack.drawing.root import draw_left_root, draw_root, write_left_root, write_root_text
from bot.slack.drawing.text import Pen
from bot.slack.drawing.thread import Reply
from bot.telling.views import UpgradeView
from steps.contract.notes import Json

# A block once it is written: it is counted and cut by its type alone.
BlockJson: TypeAlias = dict[str, Json]

EVENT_TYPE = "asm_upgrade_message"
TEXT_LIMIT = 3900
BLOCKS_LIMIT = 50
CHARACTERS_LIMIT = 12_000


class Metadata(TypedDict):
    """What a program finds at a message; everybody in the workspace can read it."""

    event_type: str
    event_payload: dict[str, str | int]


@dataclass(frozen=True)
class Drawing:
    """What is posted: `text` for notifications and readers without blocks, `blocks` empty in the bare look.

    A reply that is `broadcast` stands in the channel too.
    """

    text: str
    blocks: tuple[BlockJson, ...] = ()
    metadata: Metadata | None = None
    broadcast: bool = False


def draw_message(message: Message, view: UpgradeView | None, look: Look, pen: Pen) -> Drawing:
    """Draw a message. `view` is its upgrade, None for messages that belong to none.

    `look` rich uses plan, task_card and container; plain only sections, context and buttons; bare only text.
    """
    body, block_id = message.body, write_block_id(message)
    if isinstance(body, UnreadableBody):
        raise ValueError(body.why)
    if view is not None and isinstance(body, RootBody) and body.left_for:
        text, blocks = write_left_root(view, body.left_for, pen), draw_left_root(view, body.left_for, pen)
    elif view is not None and isinstance(body, RootBody):
        text, blocks = write_root_text(view, pen), draw_root(view, look, block_id, pen, body.asked)
    else:
        reply = Reply(view, look, block_id, pen)
        text, blocks = reply.write(body), reply.draw(body)
    drawn = () if look == "bare" else tuple(fit_blocks(blocks))
    broadcast = isinstance(body, FinishedBody) and body.result != "proposed"
    return Drawing(_cut_text(text), drawn, build_metadata(message), broadcast)


def write_block_id(message: Message) -> str:
    """Upgrade, step or slot, and revision: Slack wants a new id with each edit."""
    step = message.body.step if isinstance(message.body, Asking | ReminderBody) else ""
    return f"{message.upgrade}|{step or message.slot or message.kind}|{message.revision}"[:200]


def build_metadata(message: Message) -> Metadata:
    """The ids by which the bot finds its own message again, whether work still moves, and the numbers of a report."""
    payload: dict[str, str | int] = {"outbox_id": message.id, "upgrade": message.upgrade, "kind": message.kind}
    if isinstance(message.body, FinishedBody):
        payload |= _describe_end(message.body)
    if isinstance(message.body, ProgressBody):
        payload["moving"] = int(not message.body.ended)
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def _describe_end(body: FinishedBody) -> dict[str, str | int]:
    return {
        "result": body.result,
        "from": body.source,
        "to": body.target,
        "pods_upgraded": body.pods.upgraded,
        "pods_manual": body.pods.manual,
        "pods_total": body.pods.total,
    }


def fit_blocks(blocks: Sequence[Block]) -> list[BlockJson]:
    """Dicts of the blocks within Slack's limits; what had to go is said, buttons and the first block stay."""
    written = [block.to_dict() for block in blocks]
    dropped = 0
    while len(written) > BLOCKS_LIMIT - 1 or count_characters(written) > CHARACTERS_LIMIT - 200:
        place = _find_droppable(written)
        if place is None:
            break
        del written[place]
        dropped += 1
    if dropped:
        note = build_note(f"… {dropped} more parts did not fit into one message: see `/asm-upgrade status`").to_dict()
        written.insert(_find_end(written), note)
    return written


def count_characters(blocks: Sequence[BlockJson]) -> int:
    """The blocks' size as compact JSON, the measure of Slack's undocumented total of about 13,200."""
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))


def _find_droppable(blocks: Sequence[BlockJson]) -> int | None:
    """Folded details go first, then the last block that is neither the first nor a row of buttons; hashes go last."""
    named = [place for place, block in enumerate(blocks) if _holds_hashes(block)]
    # in the plain look what is named stands in the block below
    hashes = {*named, *(place + 1 for place in named if blocks[place]["type"] == "section")}
    candidates = [place for place, block in enumerate(blocks) if place > 0 and block["type"] not in ("actions", "plan")]
    others = [place for place in candidates if place not in hashes]
    folded = [place for place in others if blocks[place]["type"] == "container"]
    choice = folded or others or candidates
    return choice[-1] if choice else None


def _holds_hashes(block: BlockJson) -> bool:
    """The first fold of whole hashes, or the heading that stands for it in the plain look; later ones may go."""
    named = block.get("title" if block["type"] == "container" else "text")
    return isinstance(named, dict) and str(named.get("text", "")).strip("*") == HASHES


def _find_end(blocks: Sequence[BlockJson]) -> int:
    return next((place for place, block in enumerate(blocks) if block["type"] == "actions"), len(blocks))


def _cut_text(text: str) -> str:
    if len(text) <= TEXT_LIMIT:
        return text
    # An entity or a mention that the cut would split goes with the rest.
    head = text[: TEXT_LIMIT - 1]
    for opening, closing in (("&", ";"), ("<", ">")):
        place = head.rfind(opening)
        if place > len(head) - 120 and closing not in head[place:]:
            head = head[:place]
    return head + "…"
