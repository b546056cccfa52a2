"""Forms (modals): how they are built and how their submissions are read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slack_sdk import WebClient
from slack_sdk.models.blocks import Block, InputBlock, PlainTextInputElement, PlainTextObject
from slack_sdk.models.views import View

from bot.clicks.orders import Order, choose_order, confirm_order
from bot.slack.drawing.buttons import Target, read_action, read_value, write_value
from bot.slack.drawing.cards import build_text
from bot.slack.drawing.messages import Drawing
from bot.slack.drawing.text import write_code
from bot.slack.sending.posting import Postbox
from handlers.payloads import Payload, find_channel, find_text, find_user, read_carried
from steps.contract.wording import name_phase

REASON_FORM = "asm:reason"
REASON_BLOCK = "reason"
REASON_LIMIT = 500
WHERE_IT_STANDS = "The reason stands in the thread and in the audit."
LEAVES = (
    "Nothing more is started: pods already moved keep the new version, the others the old one, and the thread says "
    "what is left. A program that runs is let end first; then the bot takes back its rights. *Pause* stops as quickly, "
    "and can be undone. "
)
RETURNS = (
    "What runs is let end, and this upgrade is over. Then the release and the options that the cluster came from are "
    "put in place again, and the pods that were moved are restarted. "
)
TITLES: Mapping[str, str] = {"deny": "Deny", "abort": "Abort the upgrade", "rollback": "Take it back"}
TOLD: Mapping[str, str] = {"abort": LEAVES, "rollback": RETURNS}


@dataclass(frozen=True)
class ReasonForm:
    """A submitted reason; `fault` has a sentence at a field where something is missing."""

    order: Order
    channel: str
    journal: str
    fault: Mapping[str, str] = field(default_factory=dict)


def build_reason_form(target: Target, action_id: str, channel: str) -> View:
    """The form that asks why. What it is about travels in private_metadata and is checked again at submission."""
    action, choice = read_action(action_id) or ("deny", "deny")
    name = TITLES.get(action, choice.capitalize() or "Decide")[:24]
    subject = f"{name_phase(target.step).capitalize() or 'The upgrade'} of {write_code(target.upgrade)}"
    carried = {"value": write_value(target), "action_id": action_id, "channel": channel}
    told = build_text(f"{subject}. {TOLD.get(action, '')}{WHERE_IT_STANDS}")
    line = PlainTextInputElement(action_id=REASON_BLOCK, multiline=True, max_length=REASON_LIMIT, focus_on_load=True)
    reason = InputBlock(block_id=REASON_BLOCK, label=PlainTextObject(text="Reason"), element=line)
    return build_form(REASON_FORM, name, name, carried, [told, reason])


def build_form(form: str, title: str, submit: str | None, carried: Mapping[str, str], blocks: Sequence[Block]) -> View:
    """A form that can be left by Cancel; without `submit` it can only be read. `carried` comes back unseen with it."""
    return View(
        type="modal",
        callback_id=form,
        title=PlainTextObject(text=title),
        submit=PlainTextObject(text=submit) if submit else None,
        close=PlainTextObject(text="Cancel"),
        private_metadata=json.dumps(carried),
        blocks=list(blocks),
    )


def read_reason_form(view: Payload) -> ReasonForm | None:
    """The reason and what it is for; None where the form is not one of ours."""
    carried = read_carried(view, "value", "action_id", "channel")
    if carried is None:
        return None
    value, action_id, channel = carried
    target, meaning = read_value(value), read_action(action_id)
    if target is None or meaning is None:
        return None
    reason = find_text(view, "state", "values", REASON_BLOCK, REASON_BLOCK, "value").strip()
    order = choose_order(*meaning, target.upgrade, target.step, target.generation, reason[:REASON_LIMIT])
    fault = {} if reason else {REASON_BLOCK: "Say why, so that the others in the thread understand it."}
    order = confirm_order(order) if target.confirmed else order
    return ReasonForm(order, channel, target.journal, fault) if order else None


def tell_unopened(client: WebClient, body: Payload, remedy: str) -> None:
    """Say in private that Slack didn't open a form; a trigger lives three seconds and serves once."""
    user = find_text(body, "user_id") or find_user(body)
    channel = find_text(body, "channel_id") or find_channel(body)
    text = f"Slack did not open the form, so nothing was done. Try again; {remedy}"
    Postbox(client, client).answer(find_text(body, "response_url"), user, channel, Drawing(text))
