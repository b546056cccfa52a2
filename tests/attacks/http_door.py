"""The port of HTTP mode: whatever reaches it without Slack's signature over these very bytes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from sandbox.slack.to_bot.http_mode import sign
from tests.attacks.table import Attack, Kind
from tests.unit.handlers.front import GuestBook, open_http_mode
from tests.unit.handlers.transport.test_signatures import write_command

FORM = "application/x-www-form-urlencoded"
LIMIT = 15.0


@dataclass
class Server:
    """The bot's own server, and what came through it."""

    port: int
    secret: str
    book: GuestBook

    def ask(self, raw: bytes) -> int:
        """The status that raw bytes are answered with, 0 where the connection ended without one."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT) as connection:
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            try:
                answer = HTTPResponse(connection)
                answer.begin()
            except (OSError, HTTPException):
                return 0
            return answer.status

    def post(self, body: bytes, headers: dict[str, str], path: str = "/slack/events", verb: str = "POST") -> int:
        """The status of one whole request."""
        named = {
            "Host": "bot",
            "Content-Type": FORM,
            "Content-Length": str(len(body)),
            "Connection": "close",
            **headers,
        }
        head = "".join(f"{name}: {text}\r\n" for name, text in named.items() if text)
        return self.ask(f"{verb} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)

    def sign(self, body: bytes, secret: str = "", shift: int = 0) -> dict[str, str]:
        """Slack's headers over the body."""
        return {str(k): str(v) for k, v in sign(secret or self.secret, body, int(time.time()) + shift).items()}

    def judge(self, launch: Callable[[Server], int], allowed: tuple[int, ...]) -> str:
        """What came of it; the next true request has to be served."""
        self.book.clicks.clear()
        status = launch(self)
        if self.book.clicks:
            return "an order came in"
        if status not in allowed:
            return f"it was answered {status}"
        body = write_command(f"{time.monotonic_ns()}.1.1")
        return "" if self.post(body, self.sign(body)) == 200 else "the next request is not served"


@contextmanager
def open_server(folder: Path) -> Iterator[Server]:
    """Open, in HTTP mode."""
    with open_http_mode(folder) as (port, secret, book):
        yield Server(port, secret, book)


def attack(kind: Kind, name: str, launch: Callable[[Server], int], *allowed: int) -> Attack:
    """An attack that may only be answered so."""
    return Attack("http", kind, name, lambda server: server.judge(launch, allowed))


def forge(kind: Kind, name: str, change: Callable[[Server, bytes], dict[str, str]]) -> Attack:
    """A true body with other headers."""
    body = write_command("66.1.1")
    return attack(kind, name, lambda server: server.post(body, change(server, body)), 401)


def replay(server: Server) -> int:
    """The same request twice: the second is acknowledged and no order."""
    body = write_command("67.1.1")
    signed = server.sign(body)
    server.post(body, signed)
    known = list(server.book.clicks)
    status = server.post(body, signed)
    if server.book.clicks == known:
        server.book.clicks.clear()
    return status


def change_body(server: Server) -> int:
    """Signed as a pause, sent as an abort."""
    body = write_command("68.1.1")
    return server.post(body.replace(b"pause", b"abort"), server.sign(body))


def sign_broken(name: str, body: bytes) -> Attack:
    """A body that can't be read, as if Slack had signed it."""
    return attack("break", f"a signed body: {name}", lambda server: server.post(body, server.sign(body)), 400, 200)


TWO_LENGTHS = (
    b"POST /slack/events HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / "
)
BROKEN = {"a brace": b"{", "too deep": b"[" * 100_000, "an empty payload": b"payload=%7B", "a list": b"payload=[[["}
ATTACKS: list[Attack] = [
    forge("forge", "no signature", lambda server, body: {}),
    forge("forge", "another secret", lambda server, body: server.sign(body, "f" * 32)),
    forge("forge", "an empty signature", lambda server, body: server.sign(body) | {"X-Slack-Signature": "v0="}),
    forge("forge", "another version", lambda server, body: server.sign(body) | {"X-Slack-Signature": "v1=00"}),
    forge("forge", "letters beyond ASCII", lambda server, body: server.sign(body) | {"X-Slack-Signature": "v0=\xe9"}),
    forge("forge", "no timestamp", lambda server, body: server.sign(body) | {"X-Slack-Request-Timestamp": ""}),
    forge(
        "break", "a timestamp in words", lambda server, body: server.sign(body) | {"X-Slack-Request-Timestamp": "now"}
    ),
    forge("replay", "of ten minutes ago", lambda server, body: server.sign(body, shift=-600)),
    forge("replay", "of the future", lambda server, body: server.sign(body, shift=600)),
    attack("replay", "within the five minutes", replay, 200),
    attack("forge", "a changed body", change_body, 401),
    *(sign_broken(name, body) for name, body in BROKEN.items()),
    attack("break", "bytes that are no text", lambda server: server.post(b"\xff", server.sign(b"\xff")), 401),
    attack("lead astray", "another path", lambda server: server.post(b"", {}, "/../../etc/passwd"), 401, 404, 400),
    attack("lead astray", "another verb", lambda server: server.post(b"", {}, verb="DELETE"), 401, 404, 405),
    attack(
        "overload", "a body of a gigabyte", lambda server: server.post(b"", {"Content-Length": str(2**30)}), 413, 400, 0
    ),
    attack(
        "overload", "a header without an end", lambda server: server.post(b"", {"X-Long": "a" * 2_000_000}), 431, 400, 0
    ),
    attack(
        "inject",
        "two lengths",
        lambda server: server.ask(TWO_LENGTHS),
        400,
        401,
        411,
        501,
        0,
    ),
    attack(
        "break",
        "no HTTP at all",
        lambda server: server.ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        400,
        0,
    ),
]
