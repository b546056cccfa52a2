"""Starting an upgrade by a form: open it, fill it for the chosen cluster, commit it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.clicks.orders import Start
from bot.slack.api.answers import Answered, call_slack
from bot.slack.api.shared_files import FileRefused, read_shared_texts
from bot.slack.drawing.home import START_ACTION
from bot.slack.drawing.text import cut
from handlers.desk import FormPlace, Reception, commit_form
from handlers.forms.modals import tell_unopened
from handlers.forms.start_form import (
    CHOOSE_CLUSTER,
    FAULT_LIMIT,
    START_FORM,
    StartForm,
    build_start_form,
    place_faults,
    read_start_form,
)
from handlers.payloads import Payload, find_first, find_part, find_text, find_user

LOOKING = "🔎 Looking in GKE for more clusters…"


def register_starting(app: App, reception: Reception) -> None:
    """Listen for what opens the form and for the form itself."""

    def acknowledge(ack: Ack) -> None:
        ack()

    def open_from_home(body: Payload, client: WebClient) -> None:
        chosen = find_text(find_first(body, "actions"), "value")
        open_start_form(reception, client, body, find_user(body), chosen, find_user(body))

    def fill_for_cluster(body: Payload, client: WebClient) -> None:
        refill_start_form(reception, client, body)

    def take_form(ack: Ack, body: Payload, client: WebClient) -> None:
        receive_start(reception, body, client, ack)

    app.action(START_ACTION)(ack=acknowledge, lazy=[open_from_home])
    app.action(CHOOSE_CLUSTER)(ack=acknowledge, lazy=[fill_for_cluster])
    app.view(START_FORM)(take_form)


def open_start_form(
    reception: Reception, client: WebClient, body: Payload, user: str, chosen: str, channel: str
) -> None:
    """Open the form for a person; where Slack doesn't, the person sees nothing happen and tries again.

    A trigger lives three seconds, so nothing is waited for: what GKE knows comes in afterwards.
    """
    form = draw_start_form(reception, user, chosen, channel)
    answer = call_slack(lambda: client.views_open(trigger_id=find_text(body, "trigger_id"), view=form))
    if isinstance(answer, Answered):
        show_found(reception, client, find_part(answer.fields, "view"), user, chosen, channel)
    else:
        tell_unopened(client, body, "`/asm-upgrade start CLUSTER` does without it.")


def refill_start_form(reception: Reception, client: WebClient, body: Payload) -> None:
    """Show what is known of the cluster that was just chosen; what was typed stays."""
    view = find_part(body, "view")
    form = read_start_form(view)
    if form is None:
        return
    chosen = find_text(find_first(body, "actions"), "selected_option", "value") or form.cluster
    redraw_start_form(reception, client, view, find_user(body), chosen, form.channel)


def draw_start_form(reception: Reception, user: str, chosen: str, channel: str) -> View:
    """The form with what is known now."""
    clusters = [cluster for cluster in reception.fleet.list_clusters(user) if cluster.may_start]
    looking = [] if reception.fleet.is_searched() else [LOOKING]
    return build_start_form(clusters, chosen, channel, [*reception.fleet.list_faults(), *looking])


def redraw_start_form(
    reception: Reception, client: WebClient, view: Payload, user: str, chosen: str, channel: str
) -> None:
    """Fill an open form again. One that was filled since by somebody else's turn, or closed, is left alone."""
    fresh = draw_start_form(reception, user, chosen, channel)
    answer = call_slack(
        lambda: client.views_update(view_id=find_text(view, "id"), hash=find_text(view, "hash"), view=fresh)
    )
    if isinstance(answer, Answered):
        show_found(reception, client, find_part(answer.fields, "view"), user, chosen, channel)


def show_found(reception: Reception, client: WebClient, view: Payload, user: str, chosen: str, channel: str) -> None:
    """Have GKE looked into and the cluster read where it was not done lately; then fill the form again."""

    def redraw() -> None:
        redraw_start_form(reception, client, view, user, chosen, channel)

    offered = [cluster.key for cluster in reception.fleet.list_clusters(user) if cluster.may_start]
    if offered:
        reception.fleet.read_cluster(chosen if chosen in offered else offered[0], redraw)
    if not reception.fleet.is_searched():
        reception.fleet.search(redraw)


def receive_start(reception: Reception, body: Payload, client: WebClient, ack: Ack) -> None:
    """Commit the start, or say at each field what is wrong with it."""
    view = find_part(body, "view")
    form = read_start_form(view)
    if form is None:
        ack(response_action="clear")
        return
    form = _read_files(form, client)
    found = place_faults(reception.fleet.find_start_faults(form.cluster, form.options))
    both = {block: f"{form.faults[block]} {found[block]}" for block in form.faults.keys() & found.keys()}
    faults = {block: cut(text, FAULT_LIMIT) for block, text in {**found, **form.faults, **both}.items()}
    if faults:
        ack(response_action="errors", errors=faults)
        return
    place = FormPlace(form.channel, "file" if form.files else "form")
    commit_form(reception, body, "start", Start(form.cluster, form.options), place)
    ack()


def _read_files(form: StartForm, client: WebClient) -> StartForm:
    """The form with the texts of its overlay files, or with a fault at their field."""
    pasted = dict(form.options.overlay_texts)
    names = [str(file.get("name") or "overlay.yaml") for file in form.files]
    twice = {name for name in names if names.count(name) > 1 or name in pasted}
    read = list(zip(names, read_shared_texts(client, client.token or "", form.files), strict=True))
    texts = pasted | {name: text for name, text in read if isinstance(text, str)}
    refused = [f"{name} {text}" for name, text in read if isinstance(text, FileRefused)]
    wrong = [*(f"{name} is there twice; give each its own name" for name in sorted(twice)), *refused]
    faults = {**form.faults, "files": f"{'; '.join(wrong)}."} if wrong else form.faults
    options = msgspec.structs.replace(form.options, overlay_texts=texts) if texts else form.options
    return replace(form, options=options, faults=faults)
