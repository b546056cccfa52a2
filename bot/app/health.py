"""Liveness, readiness and metrics over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from waitress.server import BaseWSGIServer

Respond = Callable[[str, list[tuple[str, str]]], object]


class HealthApp:
    """A WSGI application: /livez, /readyz (503 with what is wrong, a line each) and /metrics."""

    def __init__(self, find_troubles: Callable[[], list[str]], registry: CollectorRegistry) -> None:
        self._find_troubles = find_troubles
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
            return _answer(respond, status, "\n".join(troubles or ["ok"]) + "\n")
        return _answer(respond, "404 Not Found", "the paths are /livez, /readyz and /metrics\n")

    def _show_metrics(self, respond: Respond) -> Iterable[bytes]:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        respond("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
        return [generate_latest(self._registry)]


def serve_health(app: HealthApp, port: int, host: str) -> BaseWSGIServer:
    """Answer in threads of waitress's own until `close` is called on what is returned."""
    from waitress import create_server

    server: BaseWSGIServer = create_server(app, host=host, port=port, threads=2)
    threading.Thread(target=server.run, name="health", daemon=True).start()
    return server


def _answer(respond: Respond, status: str, text: str) -> Iterable[bytes]:
    respond(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode()]
