"""Liveness, readiness and metrics over HTTP."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from handlers.transport.deadlines import IDLE_SECONDS, LOOKED_AT_EVERY, TimedChannel

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from waitress.server import BaseWSGIServer

Respond = Callable[[str, list[tuple[str, str]]], object]

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
# Answered connections are left open until as many others have come: closing one with its request unread resets it.
MOST_LINGERING = 64
ACCEPTED_EVERY = 1.0
MOST_CONNECTIONS = 100
# Nobody has to send anything there.
MOST_BODY_BYTES = 10_000


class HealthApp:
    """A WSGI application: /livez, /readyz (503 with what is wrong, a line each) and /metrics.

    A bot that is ready says below its `ok` what some of its upgrades lack.
    """

    def __init__(
        self,
        find_troubles: Callable[[], list[str]],
        list_lacks: Callable[[], list[str]],
        registry: CollectorRegistry,
    ) -> None:
        self._find_troubles = find_troubles
        self._list_lacks = list_lacks
        self._registry = registry

    def __call__(self, environ: dict[str, object], respond: Respond) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return self._show_metrics(respond)
        if path == "/livez":
            return _answer(respond, "200 OK", "ok\n")
        if path == "/readyz":
            troubles = self._find_troubles()
            status = "503 Service Unavailable" if troubles else "200 OK"
            return _answer(respond, status, "\n".join(troubles or ["ok", *self._list_lacks()]) + "\n")
        return _answer(respond, "404 Not Found", "the paths are /livez, /readyz and /metrics\n")

    def _show_metrics(self, respond: Respond) -> Iterable[bytes]:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        respond("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
        return [generate_latest(self._registry)]


def serve_health(app: HealthApp, port: int, host: str) -> BaseWSGIServer:
    """Answer on waitress's own threads until `close` is called on what is returned.

    A request must arrive whole in time and connections are limited, so a slow client can't keep others out for long.
    """
    from waitress import create_server

    server: BaseWSGIServer = create_server(
        app,
        host=host,
        port=port,
        threads=2,
        connection_limit=MOST_CONNECTIONS,
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=LOOKED_AT_EVERY,
        asyncore_use_poll=True,
        max_request_body_size=MOST_BODY_BYTES,
    )
    server.channel_class = TimedChannel
    threading.Thread(target=server.run, name="health", daemon=True).start()
    return server


def _answer(respond: Respond, status: str, text: str) -> Iterable[bytes]:
    respond(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode()]


class LivePort:
    """Liveness on a port of its own, which nobody can keep busy: every connection is answered at once, unread.

    The program is alive as a whole or not at all, so paths don't matter."""

    def __init__(self, port: int, host: str) -> None:
        self._listener = socket.create_server((host, port), backlog=1024)
        self._listener.settimeout(ACCEPTED_EVERY)
        self._lingering: deque[socket.socket] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self.port = int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._closing.set()
        self._thread.join(2 * ACCEPTED_EVERY)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # no descriptor is left, or whoever came is gone
                self._let_go(MOST_LINGERING // 2)
                self._closing.wait(0.1)
                continue
            self._answer(connection)
        self._let_go(0)
        self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        self._lingering.append(connection)
        self._let_go(MOST_LINGERING)
        try:
            connection.setblocking(False)
            connection.send(ANSWER)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _let_go(self, most: int) -> None:
        while len(self._lingering) > most:
            self._lingering.popleft().close()
