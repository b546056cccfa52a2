from __future__ import annotations

import http.client
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from sandbox.slack.workspace.faults import FaultError, Faults
from tests.unit.sandbox.slack.rig import CHANNEL, Stage, section

Json = dict[str, Any]


def post_refused(stage: Stage, **more: Any) -> SlackApiError:
    """Post a message that is refused and return the error."""
    with pytest.raises(SlackApiError) as refused:
        stage.client.chat_postMessage(channel=CHANNEL, text="x", **more)
    return refused.value


def test_a_429_has_no_effect_and_says_when(stage: Stage) -> None:
    """Once 429, then it works."""
    stage.window.post("faults", kind="429", method="chat.postMessage", seconds=7)
    refused = post_refused(stage)
    stage.client.chat_postMessage(channel=CHANNEL, text="again")
    assert refused.response.headers["Retry-After"] == "7"
    assert [message["text"] for message in stage.window.messages()] == ["again"]


def test_a_lost_reply_has_its_effect(stage: Stage) -> None:
    """The caller sees a broken connection, the channel sees the message."""
    stage.window.post("faults", kind="lost_reply", method="chat.postMessage")
    with pytest.raises((http.client.HTTPException, OSError), match=r"Remote end closed|reset by peer"):
        stage.client.chat_postMessage(channel=CHANNEL, text="posted")
    assert [message["text"] for message in stage.window.messages()] == ["posted"]


def test_a_fatal_error_has_its_effect(stage: Stage) -> None:
    """fatal_error leaves open whether it worked; here it did."""
    stage.window.post("faults", kind="fatal_error")
    assert post_refused(stage).response["error"] == "fatal_error"
    assert len(stage.window.messages()) == 1


@pytest.mark.parametrize("kind", ["invalid_blocks", "plan_blocks"])
def test_block_faults_spare_calls_without_such_blocks(stage: Stage, kind: str) -> None:
    """A text goes through where blocks are refused."""
    stage.window.post("faults", kind=kind, times=None)
    plan = {"type": "plan", "title": "x", "tasks": []}
    assert post_refused(stage, blocks=[plan]).response["error"] == "invalid_blocks"
    assert stage.client.chat_postMessage(channel=CHANNEL, text="plain")["ok"] is True


def test_a_workspace_without_plans_takes_sections(stage: Stage) -> None:
    """plan_blocks refuses plans alone."""
    stage.window.post("faults", kind="plan_blocks", times=None)
    assert stage.client.chat_postMessage(channel=CHANNEL, text="x", blocks=[section("x")])["ok"] is True


def test_any_error_can_be_asked_for(stage: Stage) -> None:
    """The error's code is free, so that edit_window_closed can be met."""
    ts = stage.client.chat_postMessage(channel=CHANNEL, text="x")["ts"]
    stage.window.post("faults", kind="error", method="chat.update", error="edit_window_closed")
    with pytest.raises(SlackApiError, match="edit_window_closed"):
        stage.client.chat_update(channel=CHANNEL, ts=ts, text="y")


def test_a_duplicate_reaches_the_bot_twice(stage: Stage) -> None:
    """One command, two envelopes."""
    app = stage.bolt()
    received: list[str] = []

    @app.command("/asm-upgrade")
    def take(ack: Any, body: Json) -> None:
        received.append(body["trigger_id"])
        ack()

    handler = stage.connect(app)
    stage.window.post("faults", kind="duplicate")
    seq = stage.window.state()["seq"]
    stage.window.command("/asm-upgrade status")
    first = stage.window.wait("log", lambda event: event["entry"]["kind"] == "envelope", seq)
    stage.window.wait("log", lambda event: event["entry"]["kind"] == "envelope", first["seq"])
    handler.close()
    assert len(received) == 2
    assert len(set(received)) == 1


def test_a_lost_envelope_never_arrives(stage: Stage) -> None:
    """The person reads that the app did not respond."""
    app = stage.bolt()
    handler = stage.connect(app)
    stage.window.post("faults", kind="lost_envelope")
    answer = stage.window.command("/asm-upgrade status")
    handler.close()
    assert answer["error"] == "no_connection"


def test_faults_count_down_and_can_be_cleared(stage: Stage) -> None:
    """What is on is listed; clear ends it."""
    stage.window.post("faults", kind="429", times=2)
    post_refused(stage)
    assert stage.window.state()["faults"][0]["times"] == 1
    assert stage.window.post("faults", kind="clear")["faults"] == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"kind": "storm"}, "there is no fault 'storm'"),
        ({"kind": "429", "times": 0}, "times is a whole number"),
        ({"kind": "429", "seconds": "soon"}, "seconds is a number"),
        ({"kind": "429", "often": 3}, "a fault has no field often"),
    ],
)
def test_a_bad_fault_is_explained(body: Json, sentence: str) -> None:
    """Each mistake has its sentence."""
    with pytest.raises(FaultError, match=sentence):
        Faults().switch_on(body)
