"""Redirects that a download follows, and those that it doesn't."""

from __future__ import annotations

import httpx
import pytest

from bot.gateways.calls.faults import OutsideCall
from bot.gateways.releases.web_files import open_file
from steps.contract.errors import GiveUp

START = "https://downloads.example.com/archive"


def fetch(target: str) -> str:
    """Where a file is read from in the end, when the first address redirects there."""

    def answer(request: httpx.Request) -> httpx.Response:
        if str(request.url) == START:
            return httpx.Response(302, headers={"Location": target})
        return httpx.Response(200, text="archive")

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        with open_file(client, OutsideCall("the release server", "download"), START) as response:
            return str(response.url)


def test_a_redirect_from_https_to_http_is_refused() -> None:
    """On the same host too: anybody on the way could read it."""
    with pytest.raises(GiveUp, match="from https to http"):
        fetch("http://downloads.example.com/other")


def test_a_redirect_that_stays_is_followed() -> None:
    """With the same host, port and scheme."""
    assert fetch("/other") == "https://downloads.example.com/other"
