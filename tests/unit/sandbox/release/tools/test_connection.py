from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, TCPServer

import pytest

from sandbox.release.tools.connection import Connection, Cut

SECONDS = 20.0
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANSWERS = {
    "by its length": (JSON + b"content-length: 2\r\n\r\n{}", (200, b"{}")),
    "in chunks": (
        JSON + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\n{\r\n\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n",
        (200, b"{\r\n}"),
    ),
    "to its end": (JSON + b"\r\n{}", (200, b"{}")),
    "of an old server": (b"HTTP/1.0 404 Not Found\r\n\r\ngone", (404, b"gone")),
    "without content": (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
    "after a word before it": (b"HTTP/1.1 100 Continue\r\n\r\n" + JSON + b"Content-Length: 0\r\n\r\n", (200, b"")),
    "that is refused": (b"HTTP/1.1 429 \r\nContent-Length: 4\r\n\r\nslow", (429, b"slow")),
}
CUT = {
    "nothing": b"",
    "half a line": b"HTTP/1.1 20",
    "half the headers": JSON,
    "half the content": JSON + b"Content-Length: 9\r\n\r\n{}",
    "half a chunk": JSON + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{}",
    "no last chunk": JSON + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "another protocol": b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a length that is none": JSON + b"Content-Length: many\r\n\r\n{}",
    "a chunk without a size": JSON + b"Transfer-Encoding: chunked\r\n\r\nmany\r\n{}",
}  # fmt: skip


class Server(TCPServer):
    """Gives one answer a connection and closes it; keeps what it was asked."""

    timeout = SECONDS

    def __init__(self, answers: tuple[bytes, ...]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.asked: list[bytes] = []

    def answer_all(self) -> None:
        while self.answers:
            self.handle_request()


class Handler(StreamRequestHandler):
    timeout = SECONDS

    def handle(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append(self.rfile.read1(65536))
        self.wfile.write(self.server.answers.pop(0))


@contextmanager
def serve(*answers: bytes) -> Iterator[tuple[Connection, list[bytes]]]:
    """A connection to a server with these answers, and what that was asked."""
    with Server(answers) as server:
        thread = threading.Thread(target=server.answer_all, daemon=True)
        thread.start()
        connection = Connection("127.0.0.1", server.server_address[1], None, SECONDS)
        yield connection, server.asked
        connection.close()
        thread.join(SECONDS)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read(name: str) -> None:
    """However the server marks its end."""
    content, read = ANSWERS[name]
    with serve(content) as (connection, _):
        assert connection.exchange("GET", "/", {}, None) == read


@pytest.mark.parametrize("name", CUT)
def test_an_answer_that_is_none_is_told(name: str) -> None:
    """Also one that ends in the middle."""
    with serve(CUT[name]) as (connection, _), pytest.raises(Cut):
        connection.exchange("GET", "/", {}, None)


def test_a_closed_connection_is_opened_anew() -> None:
    """By the server's word, or by its end where the content has no length."""
    closing = JSON + b"Connection: close\r\nContent-Length: 1\r\n\r\n1"
    with serve(closing, JSON + b"\r\n2", JSON + b"\r\n3") as (connection, _):
        assert [connection.exchange("GET", "/", {}, None)[1] for _ in range(3)] == [b"1", b"2", b"3"]


def test_a_request_says_what_it_brings() -> None:
    """The length of its body, and its host."""
    with serve(ANSWERS["without content"][0]) as (connection, asked):
        connection.exchange("POST", "/api?a=b", {"Accept": "application/json"}, b"{}")
    host = asked[0].split(b"Host: ")[1].split(b"\r\n")[0]
    assert host.startswith(b"127.0.0.1:")
    assert asked[0].replace(host, b"H") == (
        b"POST /api?a=b HTTP/1.1\r\nHost: H\r\nAccept: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_a_server_that_is_not_there_is_no_answer() -> None:
    """The caller tells refused, reset and late apart by the error."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Connection("127.0.0.1", port, None, SECONDS).exchange("GET", "/", {}, None)
