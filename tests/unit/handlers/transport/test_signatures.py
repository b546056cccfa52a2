"""HTTP mode takes requests that Slack has signed within five minutes, and no others."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
import requests
import structlog

from handlers.transport.signatures import Refusals
from sandbox.slack.to_bot.http_mode import sign
from tests.unit.bot.slack.stand_in import CHANNEL
from tests.unit.handlers.front import ANA, GuestBook, open_http_mode

TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Door:
    """The bot's server, and what came through it."""

    port: int
    secret: str
    book: GuestBook

    def send(self, body: bytes, headers: dict[str, str]) -> int:
        """The status that a request is answered with."""
        url = f"http://127.0.0.1:{self.port}/slack/events"
        return requests.post(url, data=body, headers=TYPE | headers, timeout=15).status_code


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Open, in HTTP mode."""
    with open_http_mode(tmp_path_factory.mktemp("state")) as (port, secret, book):
        yield Door(port, secret, book)


@pytest.fixture(autouse=True)
def empty_book(door: Door) -> None:
    """Nobody has come yet."""
    door.book.clicks.clear()


def write_command(trigger: str = "1.2.3") -> bytes:
    """A slash command of ana's."""
    return urlencode(
        {
            "team_id": "T0SANDBOX1",
            "channel_id": CHANNEL,
            "user_id": ANA,
            "command": "/asm-upgrade",
            "text": "pause cluster-x",
            "api_app_id": "A0ASMUPG01",
            "trigger_id": trigger,
        }
    ).encode()


def test_a_signed_request_is_taken(door: Door) -> None:
    """By the app's signing secret."""
    body = write_command()
    assert (door.send(body, sign(door.secret, body, int(time.time()))), len(door.book.clicks)) == (200, 1)


def test_a_signature_by_another_secret_is_refused(door: Door) -> None:
    """Nothing is committed."""
    body = write_command()
    assert (door.send(body, sign("f" * 32, body, int(time.time()))), door.book.clicks) == (401, [])


def test_a_changed_body_is_refused(door: Door) -> None:
    """The signature covers every byte."""
    body = write_command()
    signed = sign(door.secret, body, int(time.time()))
    assert (door.send(body.replace(b"pause", b"abort"), signed), door.book.clicks) == (401, [])


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_or_future_timestamp_is_refused(door: Door, minutes: int) -> None:
    """Slack's own limit is five minutes."""
    body = write_command()
    assert (door.send(body, sign(door.secret, body, int(time.time()) + 60 * minutes)), door.book.clicks) == (401, [])


@pytest.mark.parametrize("missing", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
def test_a_request_without_a_header_is_refused(door: Door, missing: str) -> None:
    """And one with an empty signature is the same."""
    body = write_command()
    signed = {name: value for name, value in sign(door.secret, body, int(time.time())).items() if name != missing}
    assert (door.send(body, signed), door.book.clicks) == (401, [])


@pytest.mark.parametrize("signature", ["", "v0=", "v1=00", "v0=\u00e9"])
def test_a_broken_signature_is_refused(door: Door, signature: str) -> None:
    """Whatever stands there."""
    body = write_command()
    headers = sign(door.secret, body, int(time.time())) | {"X-Slack-Signature": signature}
    assert (door.send(body, headers), door.book.clicks) == (401, [])


def test_a_timestamp_that_is_no_number_is_refused(door: Door) -> None:
    """It breaks nothing."""
    body = write_command()
    headers = sign(door.secret, body, int(time.time())) | {"X-Slack-Request-Timestamp": "now"}
    assert (door.send(body, headers), door.book.clicks) == (401, [])


def test_a_request_replayed_within_five_minutes_is_one_click(door: Door) -> None:
    """Its trigger is the click's identity."""
    body = write_command("9.9.9")
    signed = sign(door.secret, body, int(time.time()))
    assert ([door.send(body, signed) for _ in range(2)], len(door.book.clicks)) == ([200, 200], 1)


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"payload=%7B", b"payload=[[["])
def test_a_signed_body_that_can_t_be_read_is_400(door: Door, body: bytes) -> None:
    """It is answered, and the next one is served."""
    kind = {"Content-Type": "application/json"} if not body.startswith(b"payload") else {}
    assert door.send(body, sign(door.secret, body, int(time.time())) | kind) == 400
    assert door.send(body, sign("f" * 32, body, int(time.time())) | kind) == 401


def test_a_body_that_is_no_text_is_refused(door: Door) -> None:
    """Slack signs none."""
    assert door.send(b"\xff", sign(door.secret, b"\xff", int(time.time()))) == 401


def test_refusals_are_counted_and_logged_once_a_minute() -> None:
    """However many come."""
    now = [0.0]
    refusals = Refusals(lambda: now[0])
    with structlog.testing.capture_logs() as logged:
        for seconds in (0, 1, 59, 60, 61, 200):
            now[0] = seconds
            refusals.note()
    assert [line["count"] for line in logged] == [1, 3, 2]


def test_a_request_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch, door: Door) -> None:
    """Each byte in time, and the whole never."""
    monkeypatch.setattr("handlers.transport.deadlines.REQUEST_SECONDS", 0.0)
    with socket.create_connection(("127.0.0.1", door.port), timeout=15) as slow:
        slow.sendall(b"POST /slack/events HTTP/1.1\r\n")
        assert is_ended(slow)


def is_ended(slow: socket.socket) -> bool:
    """Whether the server ends the connection while more of the header drips in."""
    for _ in range(500):
        try:
            slow.sendall(b"X-Drip: 1\r\n")
        except OSError:
            return True
        select.select([], [], [], 0.02)
    return False
