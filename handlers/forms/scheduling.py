"""Reminders' buttons and the form of appointments: open it, check it at its fields, commit what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.journal.records import Click
from bot.slack.api.answers import Answered, call_slack
from bot.slack.drawing.reminders import RESCHEDULE_ACTION, SNOOZE_ACTION, read_snooze
from bot.slack.drawing.text import cut
from handlers.desk import Reception, commit_form
from handlers.forms.schedule_form import CHOOSE_ZONE, SCHEDULE_FORM, build_schedule_form, find_zones, read_schedule_form
from handlers.payloads import find_channel, find_team, find_user, hash_id
from handlers.telling import tell_unopened

# Long enough for both moments of a time that comes twice.
FAULT_LIMIT = 250


def register_scheduling(app: App, reception: Reception) -> None:
    """Listen for what reminders carry, and for the form."""

    def acknowledge(ack: Ack) -> None:
        ack()

    def open_from_reminder(body: dict[str, Any], client: WebClient, respond: Respond) -> None:
        target = str((body.get("actions") or [{}])[0].get("value") or "")
        refused = reception.board.refuse_schedule(target, find_user(body))
        if refused:
            respond(text=refused, response_type="ephemeral", replace_original=False)
            return
        open_schedule_form(reception, client, body, target, find_channel(body))

    def offer_zones(ack: Ack, body: dict[str, Any]) -> None:
        ack(options=[option.to_dict() for option in find_zones(str(body.get("value") or ""))])

    def take_snooze(ack: Ack, body: dict[str, Any]) -> None:
        receive_snooze(reception, body)
        ack()

    def take_form(ack: Ack, body: dict[str, Any]) -> None:
        receive_schedule(reception, body, ack)

    app.action(RESCHEDULE_ACTION)(ack=acknowledge, lazy=[open_from_reminder])
    app.action(SNOOZE_ACTION)(take_snooze)
    app.options(CHOOSE_ZONE)(offer_zones)
    app.view(SCHEDULE_FORM)(take_form)


def open_schedule_form(
    reception: Reception, client: WebClient, body: Mapping[str, Any], target: str, channel: str
) -> None:
    """Open the form for a cluster or an upgrade; "" stands for the only cluster."""
    target = target or next((view.key for view in reception.board.list_clusters("") if not view.found), "")
    form = build_schedule_form(target, reception.board.propose_appointment(target), channel)
    answer = call_slack(lambda: client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=form))
    if not isinstance(answer, Answered):
        tell_unopened(client, body, "`/asm-upgrade schedule CLUSTER WHEN` does without it.")


def receive_schedule(reception: Reception, body: Mapping[str, Any], ack: Ack) -> None:
    """Commit the appointment, or say at each field what is wrong with it."""
    view = body.get("view") or {}
    form = read_schedule_form(view)
    if form is None:
        ack(response_action="clear")
        return
    faults = reception.board.find_schedule_faults(form.target, form.arguments)
    if faults:
        ack(
            response_action="errors",
            errors={name: cut(text.replace("`", ""), FAULT_LIMIT) for name, text in faults.items()},
        )
        return
    commit_form(reception, body, "schedule", form.target, form.channel, form.arguments)
    ack()


def receive_snooze(reception: Reception, body: Mapping[str, Any]) -> None:
    """Commit a snooze."""
    action = (body.get("actions") or [{}])[0]
    read = read_snooze(str((action.get("selected_option") or {}).get("value") or ""))
    if read is None:
        return
    upgrade, seq, place, seconds = read
    message = str((body.get("container") or {}).get("message_ts") or "")
    reception.desk.receive(
        Click(
            id=hash_id(
                "snooze", find_user(body), message, str(action.get("action_ts") or body.get("trigger_id") or "")
            ),
            action="snooze",
            user=find_user(body),
            received_at=reception.clock.now(),
            target=upgrade,
            choice=str(seconds),
            team=find_team(body),
            channel=find_channel(body),
            answer_to=str(body.get("response_url") or ""),
            arguments={"reminder": seq, "place": place},
        )
    )
