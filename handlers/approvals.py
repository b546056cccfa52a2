"""Buttons on cards: commit the click, or open the form for its reason, and acknowledge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.journal.records import Click
from bot.slack.api.answers import Answered, call_slack
from bot.slack.drawing.buttons import PREFIX, Target, read_action, read_value
from handlers.desk import Reception
from handlers.forms.modals import REASON_FORM, build_reason_form, read_reason_form
from handlers.payloads import find_channel, find_team, find_user, hash_id

STALE = "That button could not be read, so nothing was done. `/asm-upgrade status` shows what may be done now."
NOT_OPENED = (
    "Slack did not open the form for your reason, so nothing was done. Click again, or use "
    "`/asm-upgrade deny CLUSTER REASON`."
)


def register_approvals(app: App, reception: Reception) -> None:
    """Listen for the buttons of cards and for the form that asks for a reason."""

    def take_button(ack: Ack, body: dict[str, Any]) -> None:
        receive_button(reception, body)
        ack()

    def open_form(body: dict[str, Any], client: WebClient, respond: Respond) -> None:
        open_reason_form(body, client, respond)

    def take_reason(ack: Ack, body: dict[str, Any]) -> None:
        receive_reason(reception, body, ack)

    app.action(re.compile(f"^{PREFIX}"))(ack=take_button, lazy=[open_form])
    app.view(REASON_FORM)(take_reason)


def receive_button(reception: Reception, body: Mapping[str, Any]) -> None:
    """Commit a click on a button that needs nothing more."""
    read = _read_button(body)
    if read is None or read[0].needs_reason:
        return
    target, action = read
    meaning = read_action(str(action["action_id"]))
    if meaning is None:
        return
    message = str((body.get("container") or {}).get("message_ts") or "")
    reception.desk.receive(
        Click(
            id=hash_id(
                "button", find_user(body), message, str(action.get("action_ts") or body.get("trigger_id") or "")
            ),
            action=meaning[0],
            user=find_user(body),
            received_at=reception.clock.now(),
            target=target.upgrade,
            step=target.step,
            generation=target.generation,
            choice=meaning[1],
            team=find_team(body),
            channel=find_channel(body),
            answer_to=str(body.get("response_url") or ""),
        )
    )


def open_reason_form(body: Mapping[str, Any], client: WebClient, respond: Respond) -> None:
    """Open the form where the choice needs a reason. Its trigger lives three seconds."""
    read = _read_button(body)
    if read is None:
        _say(body, respond, STALE)
        return
    target, action = read
    if not target.needs_reason:
        return
    channel = find_channel(body)
    form = build_reason_form(target, str(action["action_id"]), channel)
    answer = call_slack(lambda: client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=form))
    if not isinstance(answer, Answered):
        _say(body, respond, NOT_OPENED)


def receive_reason(reception: Reception, body: Mapping[str, Any], ack: Ack) -> None:
    """Commit the choice with its reason, or say at the field what is missing."""
    view = body.get("view") or {}
    form = read_reason_form(view)
    if form is None:
        ack(response_action="clear")
        return
    if form.fault:
        ack(response_action="errors", errors=dict(form.fault))
        return
    reception.desk.receive(
        Click(
            id=hash_id("form", str(view.get("id") or ""), str(view.get("hash") or "")),
            action=form.action,
            user=find_user(body),
            received_at=reception.clock.now(),
            target=form.target.upgrade,
            step=form.target.step,
            generation=form.target.generation,
            choice=form.choice,
            reason=form.reason,
            team=find_team(body),
            channel=form.channel,
        )
    )
    ack()


def _say(body: Mapping[str, Any], respond: Respond, text: str) -> None:
    """Tell the person at once; the Home tab has no place for that."""
    if body.get("response_url"):
        respond(text=text, response_type="ephemeral", replace_original=False)


def _read_button(body: Mapping[str, Any]) -> tuple[Target, Mapping[str, Any]] | None:
    actions = body.get("actions") or []
    if not actions:
        return None
    target = read_value(str(actions[0].get("value") or ""))
    if target is None or read_action(str(actions[0].get("action_id") or "")) is None:
        return None
    return target, actions[0]
