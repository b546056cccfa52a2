"""Servers on loopback that answer, or fail to answer, exactly as a test scripts it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Request:
    """A request as it arrived; header names as in Content-Type."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Decode the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer. `cut` closes the connection after that many bytes of the body."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = -1

    @classmethod
    def of(cls, content: Any, status: int = 200, **headers: str) -> Reply:
        """Answer with JSON; underscores in header names stand for hyphens."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(content).encode(), {"Content-Type": "application/json", **named})


@dataclass(frozen=True)
class Reset:
    """Reset the connection instead of answering."""


@dataclass(frozen=True)
class Silence:
    """Keep the connection open and never answer."""


@dataclass(frozen=True)
class Garble:
    """Break the TLS of the connection: in place of the answer, or in the middle of its body."""

    begun: bool


Answer = Reply | Reset | Silence | Garble
Answerer = Callable[[Request], Answer]


class Loopback:
    """One server; `requests` holds what arrived. Use it in a `with` block."""

    def __init__(self, answer: Answerer, context: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"{'https' if context else 'http'}://{self.address}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                loopback._serve(self)

            do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        split = urlsplit(handler.path)
        request = Request(
            method=handler.command,
            path=split.path,
            query={key: texts[-1] for key, texts in parse_qs(split.query, keep_blank_values=True).items()},
            headers={name.title(): text for name, text in handler.headers.items()},
            body=handler.rfile.read(int(handler.headers.get("Content-Length") or 0)),
        )
        self.requests.append(request)
        match self.answer(request):
            case Reply() as reply:
                self._reply(handler, reply)
            case Reset():
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                handler.close_connection = True
            case Silence():
                self._ended.wait(30)
                handler.close_connection = True
            case Garble(begun=begun):
                self._garble(handler, begun)

    def _garble(self, handler: BaseHTTPRequestHandler, begun: bool) -> None:
        if begun:
            self._reply(handler, Reply(cut=1))
        os.write(handler.connection.fileno(), b"no record of TLS")
        handler.close_connection = True

    def _reply(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.send_response(reply.status)
        for name, text in reply.headers.items():
            handler.send_header(name, text)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        handler.wfile.write(reply.body if reply.cut < 0 else reply.body[: reply.cut])
        if reply.cut >= 0:
            handler.close_connection = True


def in_order(*answers: Answer) -> Answerer:
    """Answer with these in turn, the last one for ever."""
    left = list(answers)

    def answer(_request: Request) -> Answer:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def refusal(status: int, message: str, **headers: str) -> Reply:
    """Answer as an API server refuses: with a Status."""
    return Reply.of({"kind": "Status", "status": "Failure", "message": message, "code": status}, status, **headers)


def write_kubeconfig(folder: Path, url: str, token: str = "some-token") -> Path:
    """Write a kubeconfig with one context, `test`, for a server on loopback."""
    path = folder / "kubeconfig.json"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "test", "user": {"token": token}}],
    }
    path.write_text(json.dumps(content))
    return path


class HandClock:
    """A clock that moves only when somebody waits on it, or by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.waits.append(seconds)
        self.now += seconds
