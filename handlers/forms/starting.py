"""Starting an upgrade by a form: open it, fill it for the chosen cluster, commit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.slack.api.answers import Answered, call_slack
from bot.slack.api.shared_files import FileRefused, read_shared_texts
from bot.slack.drawing.home import START_ACTION
from handlers.desk import Reception, commit_form
from handlers.forms.start_form import (
    CHOOSE_CLUSTER,
    START_FORM,
    StartForm,
    build_start_form,
    place_faults,
    read_start_form,
)
from handlers.payloads import find_user
from handlers.telling import tell_unopened

LOOKING = "🔎 Looking in GKE for more clusters…"


def register_starting(app: App, reception: Reception) -> None:
    """Listen for what opens the form and for the form itself."""

    def acknowledge(ack: Ack) -> None:
        ack()

    def open_from_home(body: dict[str, Any], client: WebClient) -> None:
        chosen = str((body.get("actions") or [{}])[0].get("value") or "")
        open_start_form(reception, client, body, find_user(body), chosen, find_user(body))

    def fill_for_cluster(body: dict[str, Any], client: WebClient) -> None:
        refill_start_form(reception, client, body)

    def take_form(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        receive_start(reception, body, client, ack)

    app.action(START_ACTION)(ack=acknowledge, lazy=[open_from_home])
    app.action(CHOOSE_CLUSTER)(ack=acknowledge, lazy=[fill_for_cluster])
    app.view(START_FORM)(take_form)


def open_start_form(
    reception: Reception, client: WebClient, body: Mapping[str, Any], user: str, chosen: str, channel: str
) -> None:
    """Open the form for a person; where Slack doesn't, the person sees nothing happen and tries again.

    A trigger lives three seconds, so nothing is waited for: what GKE knows comes in afterwards.
    """
    form = draw_start_form(reception, user, chosen, channel)
    answer = call_slack(lambda: client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=form))
    if isinstance(answer, Answered):
        show_found(reception, client, answer.fields.get("view") or {}, user, chosen, channel)
    else:
        tell_unopened(client, body, "`/asm-upgrade start CLUSTER` does without it.")


def refill_start_form(reception: Reception, client: WebClient, body: Mapping[str, Any]) -> None:
    """Show what is known of the cluster that was just chosen; what was typed stays."""
    view = body.get("view") or {}
    form = read_start_form(view)
    if form is None:
        return
    chosen = str(((body.get("actions") or [{}])[0].get("selected_option") or {}).get("value") or form.cluster)
    redraw_start_form(reception, client, view, find_user(body), chosen, form.channel)


def draw_start_form(reception: Reception, user: str, chosen: str, channel: str) -> View:
    """The form with what is known now."""
    clusters = [cluster for cluster in reception.board.list_clusters(user) if cluster.may_start]
    looking = [] if reception.board.is_searched() else [LOOKING]
    return build_start_form(clusters, chosen, channel, [*reception.board.list_search_faults(), *looking])


def redraw_start_form(
    reception: Reception, client: WebClient, view: Mapping[str, Any], user: str, chosen: str, channel: str
) -> None:
    """Fill an open form anew. One that was filled since by somebody else's turn, or closed, is left alone."""
    fresh = draw_start_form(reception, user, chosen, channel)
    answer = call_slack(
        lambda: client.views_update(view_id=str(view.get("id") or ""), hash=str(view.get("hash") or ""), view=fresh)
    )
    if isinstance(answer, Answered):
        show_found(reception, client, answer.fields.get("view") or {}, user, chosen, channel)


def show_found(
    reception: Reception, client: WebClient, view: Mapping[str, Any], user: str, chosen: str, channel: str
) -> None:
    """Have GKE looked into and the cluster's mTLS mode read where it was not done lately; fill the form anew then."""

    def redraw() -> None:
        redraw_start_form(reception, client, view, user, chosen, channel)

    offered = [cluster.key for cluster in reception.board.list_clusters(user) if cluster.may_start]
    if offered:
        reception.board.read_mode(chosen if chosen in offered else offered[0], redraw)
    if not reception.board.is_searched():
        reception.board.search(redraw)


def receive_start(reception: Reception, body: Mapping[str, Any], client: WebClient, ack: Ack) -> None:
    """Commit the start, or say at each field what is wrong with it."""
    view = body.get("view") or {}
    form = read_start_form(view)
    if form is None:
        ack(response_action="clear")
        return
    form = _read_files(form, client)
    faults = {**place_faults(reception.board.find_start_faults(form.cluster, form.arguments)), **form.faults}
    if faults:
        ack(response_action="errors", errors=faults)
        return
    commit_form(reception, body, "start", form.cluster, form.channel, form.arguments)
    ack()


def _read_files(form: StartForm, client: WebClient) -> StartForm:
    """The form with the texts of its overlay files, or with a fault at their field."""
    pasted = dict(form.arguments.get("overlay_texts") or {})
    names = [str(file.get("name") or "overlay.yaml") for file in form.files]
    twice = [name for name in names if names.count(name) > 1 or name in pasted]
    if twice:
        return replace(form, faults={**form.faults, "files": f"{twice[0]} is there twice; give each its own name"})
    read = read_shared_texts(client, client.token or "", form.files)
    refused = [f"{name} {text}" for name, text in zip(names, read, strict=True) if isinstance(text, FileRefused)]
    if refused:
        return replace(form, faults={**form.faults, "files": "; ".join(refused)})
    texts = pasted | {name: str(text) for name, text in zip(names, read, strict=True)}
    return replace(form, arguments={**form.arguments, "overlay_texts": texts}) if texts else form
