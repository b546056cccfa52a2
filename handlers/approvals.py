"""Buttons on cards: commit the click, or open the form for its reason, and acknowledge."""

from __future__ import annotations

import re

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.clicks.clicks import Door
from bot.clicks.orders import Abort, Approve, Order, Rollback, choose_order, confirm_order
from bot.slack.api.answers import Answered, call_slack
from bot.slack.drawing.buttons import PREFIX, SHOW_CARD, Target, read_action, read_value
from handlers.desk import FormPlace, Reception, commit_form, commit_press
from handlers.forms.modals import REASON_FORM, build_reason_form, read_reason_form
from handlers.payloads import Payload, find_channel, find_first, find_part, find_text

STALE = "That button could not be read, so nothing was done. `/asm-upgrade status` shows what may be done now."
NOT_OPENED = (
    "Slack did not open the form for your reason, so nothing was done. Click again, or use "
    "`/asm-upgrade deny CLUSTER REASON`, or `abort` or `rollback` in its place."
)


def register_approvals(app: App, reception: Reception) -> None:
    """Listen for the buttons of cards and for the form that asks for a reason."""

    def take_button(ack: Ack, body: Payload) -> None:
        receive_button(reception, body)
        ack()

    def open_form(body: Payload, client: WebClient, respond: Respond) -> None:
        open_reason_form(body, client, respond)

    def take_reason(ack: Ack, body: Payload) -> None:
        receive_reason(reception, body, ack)

    app.action(re.compile(f"^{PREFIX}"))(ack=take_button, lazy=[open_form])
    app.view(REASON_FORM)(take_reason)


def receive_button(reception: Reception, body: Payload) -> None:
    """Commit a click on a button that needs nothing more."""
    target, action = _read_target(body), find_first(body, "actions")
    order = _read_order(target, find_text(action, "action_id")) if target else None
    if target is None or order is None or _asks_why(target, order):
        return
    door: Door = "home" if find_text(body, "container", "type") == "view" else "button"
    commit_press(reception, body, door, order, target.journal)


def open_reason_form(body: Payload, client: WebClient, respond: Respond) -> None:
    """Open the form where the choice needs a reason. Its trigger lives three seconds."""
    target, action_id = _read_target(body), find_text(find_first(body, "actions"), "action_id")
    order = _read_order(target, action_id) if target else None
    if target is None or order is None:
        _say(body, respond, STALE)
        return
    if not _asks_why(target, order):
        return
    form = build_reason_form(target, action_id, find_channel(body))
    answer = call_slack(lambda: client.views_open(trigger_id=find_text(body, "trigger_id"), view=form))
    if not isinstance(answer, Answered):
        _say(body, respond, NOT_OPENED)


def receive_reason(reception: Reception, body: Payload, ack: Ack) -> None:
    """Commit the choice with its reason, or say at the field what is missing."""
    form = read_reason_form(find_part(body, "view"))
    if form is None:
        ack(response_action="clear")
        return
    if form.fault:
        ack(response_action="errors", errors=dict(form.fault))
        return
    commit_form(reception, body, "form", form.order, FormPlace(form.channel, journal=form.journal))
    ack()


def _asks_why(target: Target, order: Order) -> bool:
    """Whether a form asks for the reason: an abort and a way back always, also by the button of an earlier card."""
    return target.needs_reason or isinstance(order, Abort | Rollback)


def _say(body: Payload, respond: Respond, text: str) -> None:
    """Tell the person at once; the Home tab has no place for that."""
    if body.get("response_url"):
        respond(text=text, response_type="ephemeral", replace_original=False)


def _read_target(body: Payload) -> Target | None:
    return read_value(find_text(find_first(body, "actions"), "value"))


def _read_order(target: Target, action_id: str) -> Order | None:
    if action_id == SHOW_CARD:
        return Approve(target.upgrade)
    meaning = read_action(action_id)
    if meaning is None:
        return None
    order = choose_order(*meaning, target.upgrade, target.step, target.generation, target.reason)
    return confirm_order(order) if target.confirmed else order
