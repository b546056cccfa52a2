"""HTTP mode: Slack's signed requests, served by waitress."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt import App

from handlers.transport.deadlines import IDLE_SECONDS, LOOKED_AT_EVERY, TimedChannel
from handlers.transport.signatures import EVENTS_PATH, Refusals, SignedSite

# A thread waits for the disk most of the time, and those that wait share a commit: with 12 threads 200 commands at once
# take a fifth less time than with 4.
THREADS = 12
MOST_CONNECTIONS = 1000
MOST_BODY_BYTES = 1_000_000


class HttpServer:
    """HTTP mode's server: `run` blocks until another thread calls `close`."""

    def __init__(self, app: App, secret: str, port: int, host: str) -> None:
        import waitress
        from slack_bolt.adapter.wsgi import SlackRequestHandler

        # waitress warns of each request that has to wait, even for a moment.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._sockets: dict[int, Any] = {}
        self._server = waitress.create_server(
            SignedSite(SlackRequestHandler(app, path=EVENTS_PATH), secret, Refusals()),
            map=self._sockets,
            host=host,
            port=port,
            threads=THREADS,
            connection_limit=MOST_CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=LOOKED_AT_EVERY,
            # select takes no descriptor above 1023, and a bot has others open besides the connections.
            asyncore_use_poll=True,
            max_request_body_size=MOST_BODY_BYTES,
            clear_untrusted_proxy_headers=True,
            ident=None,
        )
        self._server.channel_class = TimedChannel
        self.port = int(self._server.effective_port)

    def run(self) -> None:
        """Serve until closed."""
        self._server.run()

    def close(self) -> None:
        """Let the requests in hand end, then close every connection; waitress alone would wait for idle ones."""
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(self._close_sockets)

    def _close_sockets(self) -> None:
        for connection in list(self._sockets.values()):
            connection.close()


def build_http_server(app: App, secret: str, port: int, host: str = "127.0.0.1") -> HttpServer:
    """The server of HTTP mode; Slack's request URL ends in /slack/events. Every signature is checked."""
    return HttpServer(app, secret, port, host)
