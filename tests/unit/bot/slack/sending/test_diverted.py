"""A proxy that wants a sign-in answers in Slack's place: nothing of it counts as taken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from bot.slack.api.answers import Unclear
from bot.slack.drawing.messages import Drawing
from bot.slack.sending.posting import Postbox
from tests.unit.bot.gateways.loopback import Loopback, Reply, Request

PAGE = b"<html><title>Log in</title></html>"


@pytest.fixture
def proxy() -> Iterator[Loopback]:
    """Sends everybody on to a page, from which all get 200."""

    def answer(request: Request) -> Reply:
        if request.path == "/login":
            return Reply(200, PAGE, {"Content-Type": "text/html"})
        return Reply(302, b"", {"Location": "/login"})

    with Loopback(answer) as server:
        yield server


def test_a_page_takes_no_file(proxy: Loopback) -> None:
    """Followed, the redirect of a POST ends in a 200."""
    client = WebClient("xoxb-1", base_url=f"{proxy.url}/api/")
    found = Postbox(client, client)._send_bytes(f"{proxy.url}/upload", b"text")
    assert isinstance(found, Unclear)


def test_a_page_takes_no_private_answer(proxy: Loopback) -> None:
    """The person gets it another way."""
    client = WebClient("xoxb-1", base_url=f"{proxy.url}/api/")
    drawing = Drawing("text")
    assert not Postbox(client, client)._answer_by_url(f"{proxy.url}/response/1", drawing)
