"""Where the bot's token may be sent."""

from __future__ import annotations

import threading

import pytest
from slack_sdk import WebClient

from bot.slack.api.shared_files import is_slack_address, read_shared_texts

BASE = "https://slack.com/api/"


@pytest.mark.parametrize(
    "url",
    [
        "https://files.slack.com/files-pri/T0SANDBOX1-F1/download/mesh.yaml",
        "https://FILES.slack.com/x",
        "https://files.slack.com:443/x?a=b&c=%20d",
        "https://slack.com/x",
    ],
)
def test_slacks_own_hosts_get_the_token(url: str) -> None:
    """Over TLS."""
    assert is_slack_address(url, BASE)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "files.slack.com/x",
        "http://files.slack.com/x",
        "https://evil.example/x",
        "https://evilslack.com/x",
        "https://slack.com.evil.example/x",
        "https://evil.example/.slack.com",
        "https://evil.example?.slack.com/",
        "https://evil.example#.slack.com/",
        "https://evil.example\\.slack.com/x",
        "https://evil.example/\\.slack.com/x",
        "https://evil.example%2f.slack.com/x",
        "https://evil.example%5c.slack.com/x",
        "https://evil.example\t.slack.com/x",
        "https://evil.example\n.slack.com/x",
        " https://files.slack.com/x",
        "https://evil.example@files.slack.com/x",
        "https://files.slack.com@evil.example/x",
        "https://files.slack.com:8443/x",
        "https://[::1].slack.com/x",
        "https://evil。slack.com/x",
        "//files.slack.com/x",
        "file://files.slack.com/x",
    ],
)
def test_nobody_else_gets_the_token(url: str) -> None:
    """However the address is written."""
    assert not is_slack_address(url, BASE)


def test_what_stands_in_for_slack_gets_the_token() -> None:
    """At exactly its own address."""
    base = "http://127.0.0.1:8080/api/"
    assert [is_slack_address(f"http://127.0.0.1:{port}/x", base) for port in (8080, 9)] == [True, False]


def test_a_file_that_finds_no_thread_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do; the form is answered all the same."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    (answer,) = read_shared_texts(
        WebClient(base_url=BASE), "xoxb-token", [{"url_private": "https://files.slack.com/x"}]
    )
    assert str(answer) == "could not be read now; try again, or paste its text"
