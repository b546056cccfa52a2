"""A small Bolt app that shows the page every surface: a plan, an approval, a modal, the Home tab, a file."""

from __future__ import annotations

from typing import Any

from slack_bolt import App

Json = dict[str, Any]
NOON = 1_790_078_400


def text(content: str) -> Json:
    """Return a plain text object."""
    return {"type": "plain_text", "text": content}


def mrkdwn(content: str) -> Json:
    """Return a mrkdwn section."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": content}}


def plan(done: int) -> Json:
    """Return a plan of three phases, some of them complete."""
    states = ["complete"] * done + ["in_progress"] + ["pending"] * 2
    names = ("Prepare", "Control plane", "Sidecars")
    cards = [{"task_id": name, "title": name, "status": state} for name, state in zip(names, states, strict=False)]
    return {"type": "plan", "title": "cluster-x: 1.4.7-asm.0 to 1.4.10-asm.18", "tasks": cards}


def approval() -> list[Json]:
    """Return an approval card whose button asks before it acts."""
    confirm = {"title": text("Replace it?"), "text": text("This writes."), "confirm": text("Yes"), "deny": text("No")}
    element = {
        "type": "button",
        "action_id": "approve",
        "text": text("Approve"),
        "style": "primary",
        "confirm": confirm,
    }
    expiry = f"Expires <!date^{NOON}^{{time}}|at noon> <!channel>"
    return [mrkdwn(expiry), {"type": "actions", "elements": [element]}]


def form() -> Json:
    """Return a modal with an input."""
    field = {"type": "plain_text_input", "action_id": "flag"}
    inputs = [{"type": "input", "block_id": "flags", "label": text("Flags"), "element": field}]
    return {"type": "modal", "callback_id": "form", "title": text("Start"), "submit": text("Go"), "blocks": inputs}


def make_bot(app: App) -> App:
    """Add the listeners."""
    roots: list[tuple[str, str]] = []

    @app.command("/asm-upgrade")
    def command(ack: Any, body: Json, client: Any) -> None:
        if body["text"] == "form":
            ack()
            client.views_open(trigger_id=body["trigger_id"], view=form())
            return
        ack("Looking at <b>cluster-x</b>")
        root = client.chat_postMessage(channel=body["channel_id"], text="root", blocks=[plan(1)])["ts"]
        roots.append((body["channel_id"], root))
        client.files_upload_v2(channel=body["channel_id"], thread_ts=root, filename="diff.txt", content="- old\n+ new")
        client.chat_postMessage(channel=body["channel_id"], thread_ts=root, text="Approve?", blocks=approval())

    @app.message_shortcut("asm-about")
    def shortcut(ack: Any, body: Json, client: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=form())

    @app.action("approve")
    def approve(ack: Any, body: Json, client: Any) -> None:
        ack()
        place = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
        client.chat_update(**place, text="x", blocks=[mrkdwn(f"<@{body['user']['id']}> approved")])
        client.chat_update(channel=place["channel"], ts=body["message"]["thread_ts"], text="x", blocks=[plan(2)])

    @app.view("form")
    def submit(ack: Any, view: Json) -> None:
        if view["state"]["values"]["flags"]["flag"]["value"] == "bad":
            ack(response_action="errors", errors={"flags": "This is not a flag."})
        else:
            ack()

    @app.event("app_home_opened")
    def home(event: Json, client: Any) -> None:
        blocks = [mrkdwn("*Fleet*")]
        if roots:
            link = client.chat_getPermalink(channel=roots[-1][0], message_ts=roots[-1][1])["permalink"]
            blocks.append(mrkdwn(f"<{link}|Open the thread>"))
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    return app
