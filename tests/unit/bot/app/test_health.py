"""Liveness is answered whatever else connects."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests
from prometheus_client import CollectorRegistry

from bot.app.health import MOST_LINGERING, HealthApp, LivePort, serve_health
from tests.unit.handlers.transport.test_signatures import is_ended


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


@pytest.fixture
def health() -> Iterator[int]:
    """The port of readiness and metrics."""
    server = serve_health(HealthApp(list, list, CollectorRegistry()), 0, "127.0.0.1")
    yield int(server.effective_port)
    server.close()


def test_a_ready_bot_says_what_some_of_its_upgrades_lack() -> None:
    """A channel that takes nothing stops one upgrade and not the bot."""
    server = serve_health(
        HealthApp(list, lambda: ["nothing can be posted in <#C0>"], CollectorRegistry()), 0, "127.0.0.1"
    )
    answer = requests.get(f"http://127.0.0.1:{server.effective_port}/readyz", timeout=10)
    server.close()
    assert (answer.status_code, answer.text) == (200, "ok\nnothing can be posted in <#C0>\n")


def test_a_request_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch, health: int) -> None:
    """Each byte in time, and the whole never; the next one is answered."""
    monkeypatch.setattr("handlers.transport.deadlines.REQUEST_SECONDS", 0.0)
    with socket.create_connection(("127.0.0.1", health), timeout=10) as slow:
        slow.sendall(b"GET /readyz HTTP/1.1\r\n")
        assert is_ended(slow)
    monkeypatch.undo()
    assert requests.get(f"http://127.0.0.1:{health}/readyz", timeout=10).text == "ok\n"


def test_a_body_of_any_size_is_refused_there(health: int) -> None:
    """Nobody has to send any."""
    assert requests.post(f"http://127.0.0.1:{health}/readyz", data=b"x" * 100_000, timeout=10).status_code == 413
