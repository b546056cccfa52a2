from __future__ import annotations

import json

import pytest
import requests

from tests.unit.sandbox.slack.rig import CHANNEL, Stage


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1"])
@pytest.mark.parametrize("path", ["/", "/ui/state", "/page/app.js", "/files/U1/F1/x"])
def test_refuses_other_host_names(stage: Stage, host: str, path: str) -> None:
    """A page that rebinds its name to loopback gets nothing."""
    assert requests.get(f"{stage.site.url}{path}", headers={"Host": host}, timeout=30).status_code == 403


def test_refuses_other_sites_pages(stage: Stage) -> None:
    """A POST from another origin is refused."""
    headers = {"Origin": "https://evil.example"}
    answer = requests.post(f"{stage.site.url}/ui/command", json={}, headers=headers, timeout=30)
    assert answer.status_code == 403


def test_refuses_forms(stage: Stage) -> None:
    """What a plain form of another site could send is refused."""
    answer = requests.post(f"{stage.site.url}/ui/command", data={"user": "ana"}, timeout=30)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("command", {"channel": CHANNEL, "text": "/asm-upgrade"}, "user is missing"),
        ("command", {"user": "eve", "channel": CHANNEL, "text": "/asm-upgrade"}, "nobody here is called 'eve'"),
        ("command", {"user": "ana", "channel": "C0", "text": "/asm-upgrade"}, "channel_not_found"),
        ("command", {"user": "ana", "channel": CHANNEL, "text": "/other"}, "/other is not a command"),
        ("click", {"user": "ana", "channel": CHANNEL, "ts": "1.0", "action_id": "x"}, "has no message 1.0"),
        ("click", {"user": "ana", "action_id": "x", "speed": 3}, "a click has no field speed"),
        ("click", {"user": "ana", "home": True, "action_id": "x"}, "not published a Home tab"),
        ("view-submit", {"user": "ana", "view_id": "V1"}, "ana has no open modal V1"),
        ("limits", {"enabled": "no"}, "send {enabled: true}"),
        ("payload", {"kind": "letter", "payload": {}}, "kind one of"),
    ],
)
def test_explains_what_cannot_be_done(stage: Stage, name: str, body: dict[str, object], sentence: str) -> None:
    """A bad act is a sentence, not a stack trace."""
    answer = stage.window.post(name, **body)
    assert answer["ok"] is False
    assert sentence in answer["error"]


def test_refuses_a_body_that_is_no_object(stage: Stage) -> None:
    """JSON that isn't an object is named."""
    answer = requests.post(f"{stage.site.url}/ui/home", json=[1], timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"] == "the body is not readable: the body is not a JSON object"


def test_writes_a_plain_message(stage: Stage) -> None:
    """Text without a slash is a person's message, escaped."""
    stage.window.post("message", user="ana", channel=CHANNEL, text="a < b & @ben")
    (message,) = stage.window.messages()
    assert (message["user"], message["text"]) == ("U0ANA00001", "a &lt; b &amp; <@U0BEN00002>")


def test_explains_commands_in_threads(stage: Stage) -> None:
    """Slack doesn't run slash commands in threads, and says so."""
    root = stage.window.post("message", user="ana", channel=CHANNEL, text="root")["ts"]
    stage.window.post("message", user="ana", channel=CHANNEL, text="/asm-upgrade status", thread_ts=root)
    assert stage.window.notes("U0ANA00001")[0]["text"] == "/asm-upgrade is not supported in threads. Sorry!"


def test_dismisses_an_ephemeral(stage: Stage) -> None:
    """What only one person sees can be taken away by that person alone."""
    ts = stage.client.chat_postEphemeral(channel=CHANNEL, user="U0ANA00001", text="x")["message_ts"]
    assert stage.window.post("dismiss", user="U0BEN00002", ts=ts)["ok"] is False
    assert stage.window.post("dismiss", user="U0ANA00001", ts=ts)["ok"] is True
    assert stage.window.notes("U0ANA00001") == []


def test_switches_the_rate_limits_off(stage: Stage) -> None:
    """Without limits a burst goes through."""
    stage.window.post("limits", enabled=False)
    for _ in range(20):
        stage.client.chat_postMessage(channel=CHANNEL, text="x")
    assert len(stage.window.messages()) == 20


def test_streams_events(stage: Stage) -> None:
    """The feed is server-sent events with their number as id."""
    with requests.get(f"{stage.site.url}/ui/events?after=0", stream=True, timeout=30) as stream:
        stage.window.post("message", user="ana", channel=CHANNEL, text="hello")
        lines = stream.iter_lines(decode_unicode=True)
        data = next(line for line in lines if line.startswith("data: "))
    assert json.loads(data.removeprefix("data: "))["message"]["text"] == "hello"


def test_a_wait_ends_with_nothing_when_time_is_up(stage: Stage) -> None:
    """No news is an empty list."""
    answer = requests.get(f"{stage.site.url}/ui/wait?timeout=0", timeout=30).json()
    assert answer["events"] == []


def test_stops_though_streams_are_open(stage: Stage) -> None:
    """An open stream doesn't hold the stand-in up."""
    stage.window.post("message", user="ana", channel=CHANNEL, text="hello")
    with requests.get(f"{stage.site.url}/ui/events?after=0", stream=True, timeout=10) as stream:
        lines = stream.iter_lines()
        assert next(lines)
        stage.site.stop()
        for _ in lines:
            pass
