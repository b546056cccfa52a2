from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.unit.sandbox.slack.rig import CHANNEL, Stage, actions, button, section

METADATA = {"event_type": "asm_upgrade_msg", "event_payload": {"outbox_id": "7"}}


def refusal(client: WebClient, method: str, **arguments: Any) -> str:
    """Call a method that is refused and return the error's code."""
    with pytest.raises(SlackApiError) as refused:
        client.api_call(method, json=arguments)
    return str(refused.value.response["error"])


def test_posts_a_message_with_blocks_and_metadata(stage: Stage) -> None:
    """A message is stored as it was sent, as the app's own."""
    answer = stage.client.chat_postMessage(channel=CHANNEL, text="hi", blocks=[section("x")], metadata=METADATA)
    (message,) = stage.window.messages()
    assert message["ts"] == answer["ts"]
    assert message["metadata"] == METADATA
    assert message["bot_id"] == stage.stand_in.cast.app.bot_id


def test_counts_replies_on_the_root(stage: Stage) -> None:
    """The root message knows how many replies it has and which came last."""
    root = stage.client.chat_postMessage(channel=CHANNEL, text="root")["ts"]
    stage.client.chat_postMessage(channel=CHANNEL, text="one", thread_ts=root)
    last = stage.client.chat_postMessage(channel=CHANNEL, text="two", thread_ts=root)["ts"]
    message = stage.window.messages()[0]
    assert (message["reply_count"], message["latest_reply"]) == (2, last)


def test_an_edit_by_text_removes_the_blocks(stage: Stage) -> None:
    """Text without blocks leaves no blocks, and marks the message as edited."""
    ts = stage.client.chat_postMessage(channel=CHANNEL, text="a", blocks=[section("x")])["ts"]
    stage.client.chat_update(channel=CHANNEL, ts=ts, text="b")
    (message,) = stage.window.messages()
    assert "blocks" not in message
    assert message["edited"]["user"] == stage.stand_in.cast.app.bot_user


def test_an_edit_by_blocks_keeps_the_text(stage: Stage) -> None:
    """Blocks without text leave the text as it is, without the mark."""
    ts = stage.client.chat_postMessage(channel=CHANNEL, text="a", blocks=[section("x")])["ts"]
    stage.client.api_call("chat.update", json={"channel": CHANNEL, "ts": ts, "blocks": [section("y")]})
    (message,) = stage.window.messages()
    assert message["text"] == "a"
    assert "edited" not in message


def test_an_edit_keeps_metadata_that_it_does_not_name(stage: Stage) -> None:
    """Metadata stays when it is left out."""
    ts = stage.client.chat_postMessage(channel=CHANNEL, text="a", metadata=METADATA)["ts"]
    stage.client.chat_update(channel=CHANNEL, ts=ts, text="b")
    assert stage.window.messages()[0]["metadata"] == METADATA


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"channel": CHANNEL}, "no_text"),
        ({"channel": "C0NOWHERE0", "text": "x"}, "channel_not_found"),
        ({"channel": "C0GENERAL1", "text": "x"}, "not_in_channel"),
        ({"channel": CHANNEL, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": CHANNEL, "text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        ({"channel": CHANNEL, "text": "x", "metadata": {"event_type": "a b"}}, "invalid_metadata_format"),
        ({"channel": CHANNEL, "text": "x", "blocks": [{"type": "panel"}]}, "invalid_blocks"),
        ({"channel": CHANNEL, "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
    ],
)
def test_refuses_a_bad_message(stage: Stage, arguments: dict[str, Any], code: str) -> None:
    """Each fault has Slack's own code."""
    assert refusal(stage.client, "chat.postMessage", **arguments) == code


def test_refuses_an_edit_that_is_too_long(stage: Stage) -> None:
    """An edit's text ends at 4,000 characters where a post's ends at 40,000."""
    ts = stage.client.chat_postMessage(channel=CHANNEL, text="a")["ts"]
    assert refusal(stage.client, "chat.update", channel=CHANNEL, ts=ts, text="x" * 4001) == "msg_too_long"


def test_refuses_an_edit_of_a_persons_message(stage: Stage) -> None:
    """The app edits its own messages only."""
    ts = stage.window.post("message", user="ana", channel=CHANNEL, text="mine")["ts"]
    assert refusal(stage.client, "chat.update", channel=CHANNEL, ts=ts, text="yours") == "cant_update_message"


def test_refuses_an_edit_of_a_deleted_message(stage: Stage) -> None:
    """A deleted message is not found."""
    ts = stage.client.chat_postMessage(channel=CHANNEL, text="a")["ts"]
    stage.client.chat_delete(channel=CHANNEL, ts=ts)
    assert refusal(stage.client, "chat.update", channel=CHANNEL, ts=ts, text="b") == "message_not_found"


def test_shows_an_ephemeral_to_one_person(stage: Stage) -> None:
    """Others don't see it, and it isn't in the channel."""
    stage.client.chat_postEphemeral(channel=CHANNEL, user="U0ANA00001", text="psst")
    assert [note["text"] for note in stage.window.notes("U0ANA00001")] == ["psst"]
    assert stage.window.messages() == []


def test_makes_us_wait_after_a_burst(stage: Stage) -> None:
    """The sixth message in one second is 429 with Retry-After and isn't posted."""
    for _ in range(5):
        stage.client.chat_postMessage(channel=CHANNEL, text="x")
    with pytest.raises(SlackApiError) as refused:
        stage.client.chat_postMessage(channel=CHANNEL, text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "1"
    assert len(stage.window.messages()) == 5


def test_links_to_a_reply(stage: Stage) -> None:
    """A permalink names channel, message and thread."""
    root = stage.client.chat_postMessage(channel=CHANNEL, text="root")["ts"]
    reply = stage.client.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=root)["ts"]
    link = stage.client.chat_getPermalink(channel=CHANNEL, message_ts=reply)["permalink"]
    assert link == f"{stage.site.url}/archives/{CHANNEL}/p{reply.replace('.', '')}?thread_ts={root}&cid={CHANNEL}"


def test_keeps_two_buttons_of_one_message_apart(stage: Stage) -> None:
    """Blocks come back with the ids that were given."""
    stage.client.chat_postMessage(channel=CHANNEL, text="x", blocks=[actions(button("a"), button("b"))])
    (message,) = stage.window.messages()
    assert [element["action_id"] for element in message["blocks"][0]["elements"]] == ["a", "b"]
