from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.unit.sandbox.slack.rig import CHANNEL, Stage, actions, button

Json = dict[str, Any]


def test_a_command_reaches_the_bot_as_slack_sends_it(stage: Stage) -> None:
    """Every field of a slash command is there, mentions escaped to ids."""
    app = stage.bolt()
    received: list[Json] = []

    @app.command("/asm-upgrade")
    def take(ack: Any, body: Json) -> None:
        received.append(body)
        ack()

    handler = stage.connect(app)
    answer = stage.window.command("/asm-upgrade start cluster-x @ben <b>")
    handler.close()
    (body,) = received
    assert answer["ok"] is True
    assert body["text"] == "start cluster-x <@U0BEN00002|ben> &lt;b&gt;"
    assert set(body) == {
        "token", "team_id", "team_domain", "channel_id", "channel_name", "user_id", "user_name", "command", "text",
        "api_app_id", "is_enterprise_install", "response_url", "trigger_id",
    }  # fmt: skip


def test_the_acks_text_is_shown_to_one_person(stage: Stage) -> None:
    """An ack with text is an ephemeral message from the app."""
    app = stage.bolt()

    @app.command("/asm-upgrade")
    def take(ack: Any) -> None:
        ack("on it")

    handler = stage.connect(app)
    stage.window.command("/asm-upgrade status")
    handler.close()
    (note,) = stage.window.notes("U0ANA00001")
    assert (note["text"], note["bot_id"]) == ("on it", stage.stand_in.cast.app.bot_id)


def test_without_a_bot_a_command_says_so(stage: Stage) -> None:
    """Slack's own notice appears when no socket is open."""
    answer = stage.window.command("/asm-upgrade status")
    assert answer["ok"] is False
    assert answer["notice"] == "`/asm-upgrade` failed because the app did not respond"
    assert [note["text"] for note in stage.window.notes("U0ANA00001")] == [answer["notice"]]


@pytest.mark.parametrize("ack_seconds", [0.3])
def test_a_bot_that_does_not_ack_is_timed_out(stage: Stage) -> None:
    """Without an ack in time the person reads operation_timeout."""
    app = stage.bolt()
    done: list[Any] = []

    @app.command("/asm-upgrade")
    def take(ack: Any) -> None:
        done.append(ack)
        stage.window.wait("ephemeral")
        ack()

    handler = stage.connect(app)
    answer = stage.window.command("/asm-upgrade status")
    handler.close()
    assert answer["error"] == "operation_timeout"
    assert "operation_timeout" in stage.window.notes("U0ANA00001")[0]["text"]


def test_a_click_carries_the_message_and_the_action(stage: Stage) -> None:
    """block_actions names container, message, state and what was pressed."""
    app = stage.bolt()
    received: list[Json] = []

    @app.action("approve")
    def take(ack: Any, body: Json) -> None:
        received.append(body)
        ack()

    handler = stage.connect(app)
    posted = stage.client.chat_postMessage(channel=CHANNEL, text="x", blocks=[actions(button("approve", "g-7"))])
    answer = stage.window.post("click", user="ben", channel=CHANNEL, ts=posted["ts"], action_id="approve")
    handler.close()
    (body,) = received
    assert answer["ok"] is True
    assert body["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": CHANNEL,
        "is_ephemeral": False,
    }
    assert body["message"]["ts"] == posted["ts"]
    assert body["actions"][0]["value"] == "g-7"
    assert body["user"] == {"id": "U0BEN00002", "username": "ben", "name": "ben", "team_id": "T0SANDBOX1"}


def test_a_click_on_a_removed_button_is_possible_on_a_stale_card(stage: Stage) -> None:
    """A person whose client still shows the old card can click it."""
    app = stage.bolt()
    pressed: list[str] = []

    @app.action("approve")
    def take(ack: Any, action: Json) -> None:
        pressed.append(action["value"])
        ack()

    handler = stage.connect(app)
    ts = stage.client.chat_postMessage(channel=CHANNEL, text="x", blocks=[actions(button("approve", "old"))])["ts"]
    stage.client.chat_update(channel=CHANNEL, ts=ts, text="closed")
    fresh = stage.window.post("click", user="ben", channel=CHANNEL, ts=ts, action_id="approve")
    stale = stage.window.post("click", user="ben", channel=CHANNEL, ts=ts, action_id="approve", stale=True)
    handler.close()
    assert fresh["error"] == "there is no element with action_id 'approve' there now"
    assert (stale["ok"], pressed) == (True, ["old"])


def test_a_response_url_works_five_times(stage: Stage) -> None:
    """The sixth answer to a response_url is used_url."""
    app = stage.bolt()
    urls: list[str] = []

    @app.command("/asm-upgrade")
    def take(ack: Any, body: Json) -> None:
        urls.append(body["response_url"])
        ack()

    handler = stage.connect(app)
    stage.window.command("/asm-upgrade status")
    handler.close()
    codes = [requests.post(urls[0], json={"text": str(number)}, timeout=30).status_code for number in range(6)]
    assert codes == [200] * 5 + [404]


def test_a_response_url_ends_after_half_an_hour(stage: Stage) -> None:
    """Later the address is gone."""
    app = stage.bolt()
    urls: list[str] = []

    @app.command("/asm-upgrade")
    def take(ack: Any, body: Json) -> None:
        urls.append(body["response_url"])
        ack()

    handler = stage.connect(app)
    stage.window.command("/asm-upgrade status")
    handler.close()
    stage.clock.advance(1801)
    answer = requests.post(urls[0], json={"text": "late"}, timeout=30)
    assert (answer.status_code, answer.text) == (404, "expired_url")


def test_a_response_url_replaces_the_message_that_was_clicked(stage: Stage) -> None:
    """replace_original edits the message."""
    app = stage.bolt()

    @app.action("approve")
    def take(ack: Any, respond: Any) -> None:
        ack()
        respond(text="done", replace_original=True)

    handler = stage.connect(app)
    ts = stage.client.chat_postMessage(channel=CHANNEL, text="x", blocks=[actions(button("approve"))])["ts"]
    seq = stage.window.state()["seq"]
    stage.window.post("click", user="ben", channel=CHANNEL, ts=ts, action_id="approve")
    changed = stage.window.wait("message_changed", after=seq)
    handler.close()
    assert (changed["message"]["text"], changed["message"].get("blocks")) == ("done", None)


@pytest.mark.parametrize("fault", ["disconnect", "drop"])
def test_the_bot_comes_back_after_its_socket_went(stage: Stage, fault: str) -> None:
    """A refreshed or cut socket is replaced by a new one, and commands work again."""
    app = stage.bolt()

    @app.command("/asm-upgrade")
    def take(ack: Any) -> None:
        ack()

    handler = stage.connect(app)
    seq = stage.window.state()["seq"]
    stage.window.post("faults", kind=fault)
    gone = stage.window.wait("connection", lambda event: event["count"] == 0, seq)
    stage.window.wait_for_connections(1, gone["seq"])
    answer = stage.window.command("/asm-upgrade status")
    handler.close()
    assert answer["ok"] is True


def test_each_payload_goes_to_one_connection(stage: Stage) -> None:
    """Of two sockets one receives a command, as in Slack."""
    app = stage.bolt()
    received: list[str] = []

    @app.command("/asm-upgrade")
    def take(ack: Any, body: Json) -> None:
        received.append(body["text"])
        ack()

    handlers = [stage.connect(app), stage.connect(app)]
    for number in range(5):
        stage.window.command(f"/asm-upgrade {number}")
    for handler in handlers:
        handler.close()
    assert received == ["0", "1", "2", "3", "4"]


def test_a_ticket_opens_one_socket_only(stage: Stage) -> None:
    """An address from apps.connections.open can't be used twice or invented."""
    answer = requests.get(f"{stage.site.url}/link/?ticket=invented", timeout=30)
    assert answer.status_code == 403
