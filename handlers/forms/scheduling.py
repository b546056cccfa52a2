"""Reminders' buttons and the form of appointments: open it, check it at its fields, commit what was asked."""

from __future__ import annotations

from dataclasses import replace

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.clicks.orders import Schedule, Snooze
from bot.slack.api.answers import Answered, call_slack
from bot.slack.api.directory import read_zone_of
from bot.slack.drawing.reminders import RESCHEDULE_ACTION, SNOOZE_ACTION, read_snooze
from bot.slack.drawing.text import cut
from handlers.desk import FormPlace, Reception, commit_form, commit_press
from handlers.forms.modals import tell_unopened
from handlers.forms.schedule_form import CHOOSE_ZONE, SCHEDULE_FORM, build_schedule_form, find_zones, read_schedule_form
from handlers.payloads import Payload, find_channel, find_first, find_part, find_text, find_user

# Long enough for both moments of a time that comes twice.
FAULT_LIMIT = 250


def register_scheduling(app: App, reception: Reception) -> None:
    """Listen for what reminders carry, and for the form."""

    def acknowledge(ack: Ack) -> None:
        ack()

    def open_from_reminder(body: Payload, client: WebClient, respond: Respond) -> None:
        target = find_text(find_first(body, "actions"), "value")
        refused = reception.fleet.refuse_schedule(target, find_user(body))
        if refused:
            respond(text=refused, response_type="ephemeral", replace_original=False)
            return
        open_schedule_form(reception, client, body, target, find_channel(body))

    def offer_zones(ack: Ack, body: Payload) -> None:
        ack(options=[option.to_dict() for option in find_zones(find_text(body, "value"))])

    def take_snooze(ack: Ack, body: Payload) -> None:
        receive_snooze(reception, body)
        ack()

    def take_form(ack: Ack, body: Payload) -> None:
        receive_schedule(reception, body, ack)

    app.action(RESCHEDULE_ACTION)(ack=acknowledge, lazy=[open_from_reminder])
    app.action(SNOOZE_ACTION)(take_snooze)
    app.options(CHOOSE_ZONE)(offer_zones)
    app.view(SCHEDULE_FORM)(take_form)


def open_schedule_form(reception: Reception, client: WebClient, body: Payload, target: str, channel: str) -> None:
    """Open the form for a cluster or an upgrade, in the person's own zone; "" stands for the only cluster."""
    target = target or next((view.key for view in reception.fleet.list_clusters("") if not view.found), "")
    user = find_text(body, "user_id") or find_user(body)
    proposed = reception.fleet.propose_appointment(target)
    proposed = replace(proposed, zone=read_zone_of(client, user) or proposed.zone)
    form = build_schedule_form(target, proposed, channel)
    answer = call_slack(lambda: client.views_open(trigger_id=find_text(body, "trigger_id"), view=form))
    if not isinstance(answer, Answered):
        tell_unopened(client, body, "`/asm-upgrade schedule CLUSTER WHEN` does without it.")


def receive_schedule(reception: Reception, body: Payload, ack: Ack) -> None:
    """Commit the appointment, or say at each field what is wrong with it."""
    form = read_schedule_form(find_part(body, "view"))
    if form is None:
        ack(response_action="clear")
        return
    faults = reception.fleet.find_schedule_faults(form.target, form.when)
    if faults:
        ack(
            response_action="errors",
            errors={name: cut(text.replace("`", ""), FAULT_LIMIT) for name, text in faults.items()},
        )
        return
    commit_form(reception, body, "schedule", Schedule(form.target, form.when), FormPlace(form.channel))
    ack()


def receive_snooze(reception: Reception, body: Payload) -> None:
    """Commit a snooze."""
    read = read_snooze(find_text(find_first(body, "actions"), "selected_option", "value"))
    if read is None:
        return
    upgrade, seq, place, seconds = read
    commit_press(reception, body, "reminder", Snooze(upgrade, seq, place, seconds))
