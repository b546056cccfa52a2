from __future__ import annotations

from typing import Any

import pytest
from slack_bolt import App

from tests.unit.sandbox.slack.rig import CHANNEL, Stage, actions, button, served

Json = dict[str, Any]


def test_a_command_is_a_signed_post(stage: Stage) -> None:
    """Bolt accepts our signature, and the ack's text is shown."""
    app = stage.bolt()

    @app.command("/asm-upgrade")
    def take(ack: Any, body: Json) -> None:
        ack(f"got {body['text']}")

    with served(app) as url:
        switched = stage.window.post("mode", mode="http", url=url)
        answer = stage.window.command("/asm-upgrade status")
    assert (switched["ok"], switched["mode"]) == (True, "http")
    assert answer["ok"] is True
    assert stage.window.notes("U0ANA00001")[0]["text"] == "got status"


def test_a_click_is_a_signed_post(stage: Stage) -> None:
    """Interactive payloads travel as a form."""
    app = stage.bolt()
    pressed: list[str] = []

    @app.action("approve")
    def take(ack: Any, action: Json) -> None:
        pressed.append(action["value"])
        ack()

    ts = stage.client.chat_postMessage(channel=CHANNEL, text="x", blocks=[actions(button("approve", "g-7"))])["ts"]
    with served(app) as url:
        stage.window.post("mode", mode="http", url=url)
        answer = stage.window.post("click", user="ben", channel=CHANNEL, ts=ts, action_id="approve")
    assert (answer["ok"], pressed) == (True, ["g-7"])


def test_an_event_is_a_signed_post(stage: Stage) -> None:
    """Events travel as JSON."""
    app = stage.bolt()

    @app.event("app_home_opened")
    def take(event: Json, client: Any) -> None:
        divider = {"type": "divider"}
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [divider]})

    with served(app) as url:
        stage.window.post("mode", mode="http", url=url)
        stage.window.post("home", user="ana")
        published = stage.window.wait("home")
    assert published["user"] == "U0ANA00001"


def test_a_wrong_secret_is_not_verified(stage: Stage) -> None:
    """Bolt answers 401 to a foreign signature, so the request URL isn't taken."""
    app = App(client=stage.client, signing_secret="another")
    with served(app) as url:
        answer = stage.window.post("mode", mode="http", url=url)
    assert answer["error"].startswith("the request URL was not verified: the request URL answered 401")
    assert stage.window.state()["bot"]["mode"] == "socket"


@pytest.mark.parametrize(("mode", "url"), [("pigeon", ""), ("http", "ftp://x"), ("http", "")])
def test_a_mode_that_cannot_be_is_refused(stage: Stage, mode: str, url: str) -> None:
    """The answer says what is missing."""
    assert stage.window.post("mode", mode=mode, url=url)["ok"] is False


def test_an_address_without_a_bot_is_not_verified(stage: Stage) -> None:
    """A request URL where nobody listens isn't taken."""
    answer = stage.window.post("mode", mode="http", url="http://127.0.0.1:1/slack/events")
    assert answer["error"].startswith("the request URL was not verified")
