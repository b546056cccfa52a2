"""Where the stand-in once differed from Slack: one test for each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.slack.to_bot.delivery import REASONS
from sandbox.slack.values.block_rules import check_blocks
from sandbox.slack.values.shapes import Refusal
from sandbox.slack.workspace.cast import Cast, Channel
from tests.unit.sandbox.slack.rig import CHANNEL, Stage

TITLE = {"type": "plain_text", "text": "t"}
MODAL = {"type": "modal", "title": TITLE, "blocks": [{"type": "section", "text": TITLE}]}


def refuse(client: WebClient, method: str, **arguments: Any) -> str:
    """The error that Slack gives for a call."""
    with pytest.raises(SlackApiError) as caught:
        client.api_call(method, params=arguments)
    return str(caught.value.response["error"])


def refuse_blocks(*blocks: dict[str, Any]) -> str:
    """What is wrong with blocks."""
    with pytest.raises(Refusal) as caught:
        check_blocks(list(blocks), "message")
    return str(caught.value.details)


def build_choice(kind: str, count: int, text: str = "t", value: str = "v") -> dict[str, Any]:
    """An element with so many options."""
    options = [{"text": {"type": "plain_text", "text": text}, "value": f"{value}{n}"} for n in range(count)]
    element: dict[str, Any] = {"type": kind, "action_id": "a", "options": options}
    if kind == "static_select":
        element["placeholder"] = TITLE
    return {"type": "actions", "elements": [element]}


@pytest.mark.parametrize(("kind", "most"), [("checkboxes", 10), ("radio_buttons", 10), ("static_select", 100)])
def test_choices_have_their_limits(kind: str, most: int) -> None:
    """Ten boxes, a hundred options."""
    check_blocks([build_choice(kind, most)], "message")
    assert refuse_blocks(build_choice(kind, most + 1))


def test_options_have_short_texts_and_values() -> None:
    """75 and 150 characters."""
    assert refuse_blocks(build_choice("static_select", 1, text="x" * 76))
    assert refuse_blocks(build_choice("static_select", 1, value="x" * 151))


@pytest.mark.parametrize("kind", ["plain_text", "mrkdwn"])
def test_a_text_of_nothing_is_refused(kind: str) -> None:
    """Wherever it stands."""
    empty = {"type": kind, "text": ""}
    assert refuse_blocks({"type": "section", "text": empty})
    assert refuse_blocks({"type": "context", "elements": [empty]})
    assert refuse_blocks({"type": "section", "fields": [TITLE, empty]})


def test_a_container_has_ten_children_at_most() -> None:
    """Each a block by itself."""
    child = {"type": "section", "text": TITLE}
    whole = {"type": "container", "title": TITLE, "child_blocks": [child] * 10}
    check_blocks([whole], "message")
    assert "10" in refuse_blocks({**whole, "child_blocks": [child] * 11})


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("see https://a.example.com/b?c=1&d=2", "see <https://a.example.com/b?c=1&amp;d=2>"),
        ("set host=mesh.example.com", "set host=<http://mesh.example.com|mesh.example.com>"),
        ("ask ops@example.com", "ask <mailto:ops@example.com|ops@example.com>"),
        ("set values.gateways.enabled=true", "set values.gateways.enabled=true"),
        ("to 1.4.10-asm.18", "to 1.4.10-asm.18"),
    ],
)
def test_links_in_commands_are_written_as_slack_writes_them(stage: Stage, typed: str, sent: str) -> None:
    """An address without a label, a name with the one that was typed."""
    stage.window.command(f"/asm-upgrade {typed}")
    (entry,) = [entry for entry in stage.window.log() if entry["kind"] == "envelope"]
    assert entry["request"]["payload"]["text"] == sent


def test_each_token_is_for_its_own_calls(stage: Stage) -> None:
    """Swapped, they are refused by their type, both ways."""
    app = Cast().app
    assert refuse(stage.client, "apps.connections.open", token=app.bot_token) == "not_allowed_token_type"
    swapped = WebClient(app.app_token, base_url=stage.client.base_url)
    assert refuse(swapped, "auth.test") == "not_allowed_token_type"


def test_a_deleted_root_leaves_a_tombstone(stage: Stage) -> None:
    """Its replies stay, and it can be neither edited nor deleted again."""
    root = stage.client.chat_postMessage(channel=CHANNEL, text="root")["ts"]
    stage.client.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=root)
    stage.client.chat_delete(channel=CHANNEL, ts=root)
    first, second = stage.client.conversations_replies(channel=CHANNEL, ts=root)["messages"]
    assert (first["subtype"], first["user"], second["text"]) == ("tombstone", "USLACKBOT", "reply")
    assert refuse(stage.client, "chat.delete", channel=CHANNEL, ts=root) in ("message_not_found", "cant_delete_message")
    assert refuse(stage.client, "chat.update", channel=CHANNEL, ts=root, text="b") == "cant_update_message"


def test_a_reply_names_who_wrote_the_root(stage: Stage) -> None:
    """As parent_user_id."""
    root = stage.window.post("message", user="ana", channel=CHANNEL, text="root")["ts"]
    stage.client.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=root)
    assert stage.client.conversations_replies(channel=CHANNEL, ts=root)["messages"][1]["parent_user_id"] == "U0ANA00001"


def test_nothing_is_pushed_where_no_modal_is_open(stage: Stage) -> None:
    """A trigger of a message opens, it does not push."""
    workspace = stage.stand_in.workspace
    trigger = workspace.triggers.issue("U0ANA00001")
    assert refuse(stage.client, "views.push", trigger_id=trigger, view=json.dumps(MODAL)) == "not_found"


def test_names_are_for_posting_only(stage: Stage) -> None:
    """Everything else takes the id."""
    ts = stage.client.chat_postMessage(channel="#mesh-upgrades", text="a")["ts"]
    for method in ("chat.update", "chat.delete"):
        assert refuse(stage.client, method, channel="#mesh-upgrades", ts=ts, text="b") == "channel_not_found"
    assert refuse(stage.client, "conversations.history", channel="#mesh-upgrades") == "channel_not_found"


def test_why_an_event_comes_again_is_said_in_slacks_words() -> None:
    """By what went wrong."""
    assert set(REASONS.values()) == {"timeout", "connection_failed", "http_error"}


def test_a_private_channel_is_not_there_for_a_bot_outside(stage: Stage) -> None:
    """And inside, it takes the scope of private channels."""
    workspace = stage.stand_in.workspace
    room = workspace.messages.rooms[CHANNEL]
    room.private, room.has_bot = True, False
    for method, given in (("chat.postMessage", {"text": "a"}), ("conversations.history", {})):
        assert refuse(stage.client, method, channel=CHANNEL, **given) == "channel_not_found"
    room.has_bot = True
    assert stage.client.conversations_info(channel=CHANNEL) if "groups:read" in workspace.cast.app.scopes else True
    left = tuple(scope for scope in workspace.cast.app.scopes if scope != "groups:history")
    workspace.cast = replace(workspace.cast, app=replace(workspace.cast.app, scopes=left))
    assert refuse(stage.client, "conversations.history", channel=CHANNEL) == "missing_scope"
    assert Channel("C1", "secret", private=True).private


def test_a_channel_can_be_archived_and_the_bot_taken_out(stage: Stage) -> None:
    """By a switch; both back again."""
    stage.window.post("channel", channel=CHANNEL, archived=True)
    assert refuse(stage.client, "chat.postMessage", channel=CHANNEL, text="a") == "is_archived"
    stage.window.post("channel", channel=CHANNEL, archived=False, has_bot=False)
    assert refuse(stage.client, "chat.postMessage", channel=CHANNEL, text="a") == "not_in_channel"
    stage.window.post("channel", channel=CHANNEL, has_bot=True)
    assert stage.client.chat_postMessage(channel=CHANNEL, text="a")["ok"]
    assert "archived or has_bot" in stage.window.post("channel", channel=CHANNEL, archived="yes")["error"]
