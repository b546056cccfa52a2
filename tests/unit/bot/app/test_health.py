"""Liveness is answered whatever else connects."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from bot.app.health import MOST_LINGERING, LivePort


@pytest.fixture
def live() -> Iterator[LivePort]:
    """A port that answers."""
    port = LivePort(0, "127.0.0.1")
    port.start()
    yield port
    port.close()


def ask(live: LivePort) -> int:
    """The status that a probe gets."""
    return requests.get(f"http://127.0.0.1:{live.port}/livez", timeout=10).status_code


def test_a_living_bot_says_so(live: LivePort) -> None:
    """Each time."""
    assert [ask(live) for _ in range(3)] == [200, 200, 200]


def test_nobody_keeps_it_busy(live: LivePort) -> None:
    """Neither by many connections without a word, nor by half a request."""
    with ExitStack() as stack:
        for number in range(3 * MOST_LINGERING):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", live.port), timeout=10))
            if number % 2:
                one.sendall(b"GET /livez HT")
        assert ask(live) == 200


def test_it_ends_when_told(live: LivePort) -> None:
    """Nobody answers any more."""
    live.close()
    with pytest.raises(requests.ConnectionError):
        ask(live)
