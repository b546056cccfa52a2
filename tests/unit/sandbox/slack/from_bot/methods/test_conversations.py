from __future__ import annotations

from dataclasses import replace

import pytest
from slack_sdk.errors import SlackApiError

from tests.unit.sandbox.slack.rig import CHANNEL, Stage

METADATA = {"event_type": "asm_upgrade_msg", "event_payload": {"outbox_id": "7"}}


def post(stage: Stage, count: int, thread: str | None = None) -> list[str]:
    """Post messages a second apart and return their ts."""
    made = []
    for number in range(count):
        stage.clock.advance(2)
        answer = stage.client.chat_postMessage(channel=CHANNEL, text=str(number), thread_ts=thread, metadata=METADATA)
        made.append(str(answer["ts"]))
    return made


def test_history_is_newest_first_without_replies(stage: Stage) -> None:
    """Thread replies aren't part of the channel's history."""
    first, second = post(stage, 2)
    post(stage, 1, thread=first)
    history = stage.client.conversations_history(channel=CHANNEL)
    assert [message["ts"] for message in history["messages"]] == [second, first]


def test_history_holds_metadata_only_when_asked(stage: Stage) -> None:
    """include_all_metadata decides."""
    post(stage, 1)
    without = stage.client.conversations_history(channel=CHANNEL)["messages"][0]
    with_it = stage.client.conversations_history(channel=CHANNEL, include_all_metadata=True)["messages"][0]
    assert "metadata" not in without
    assert with_it["metadata"] == METADATA


def test_history_begins_after_oldest(stage: Stage) -> None:
    """oldest itself is left out unless inclusive is set."""
    _, second, third = post(stage, 3)
    after = stage.client.conversations_history(channel=CHANNEL, oldest=second)["messages"]
    including = stage.client.conversations_history(channel=CHANNEL, oldest=second, inclusive=True)["messages"]
    assert [message["ts"] for message in after] == [third]
    assert [message["ts"] for message in including] == [third, second]


def test_history_comes_in_pages(stage: Stage) -> None:
    """The cursor leads through all messages once."""
    made = post(stage, 5)
    seen = [
        message["ts"]
        for page in stage.client.conversations_history(channel=CHANNEL, limit=2)
        for message in page["messages"]
    ]
    assert seen == made[::-1]


def test_replies_begin_with_the_root(stage: Stage) -> None:
    """A thread is the root and its replies, oldest first."""
    (root,) = post(stage, 1)
    replies = post(stage, 2, thread=root)
    thread = stage.client.conversations_replies(channel=CHANNEL, ts=root)["messages"]
    assert [message["ts"] for message in thread] == [root, *replies]


def test_replies_of_an_unknown_thread_are_an_error(stage: Stage) -> None:
    """An unknown thread has Slack's code."""
    with pytest.raises(SlackApiError, match="thread_not_found"):
        stage.client.conversations_replies(channel=CHANNEL, ts="1.000000")


def test_history_of_a_direct_message_needs_its_own_scope(stage: Stage) -> None:
    """Without im:history the bot can't read direct messages; channels:history doesn't cover them."""
    cast = stage.stand_in.workspace.cast
    scopes = tuple(scope for scope in cast.app.scopes if scope != "im:history")
    stage.stand_in.workspace.cast = replace(cast, app=replace(cast.app, scopes=scopes))
    channel = stage.client.conversations_open(users="U0ANA00001")["channel"]["id"]
    with pytest.raises(SlackApiError) as refused:
        stage.client.conversations_history(channel=channel)
    assert refused.value.response["needed"] == "im:history"
