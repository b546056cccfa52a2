"""The Bolt app with its listeners, and the two ways in which Slack reaches it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Any, assert_never

import structlog
from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.slack.answers import Answered, Refused, TooFast, Unclear, call_slack
from bot.slack.identity import SlackIdentity, SlackRefusal, SlackUnreachable
from handlers.approvals import register_approvals
from handlers.commands import register_commands
from handlers.desk import Reception
from handlers.home import register_home
from handlers.installation import register_installation
from handlers.permissions import register_permissions
from handlers.starting import register_starting

FORM_THREADS = 8
# Measured: with 4 threads 200 commands at once are acknowledged sooner than with 16, which fight for the interpreter.
SOCKET_THREADS = 4
HTTP_THREADS = 4
MOST_CONNECTIONS = 1000
MOST_BODY_BYTES = 1_000_000
PING_SECONDS = 5
FAREWELL_SECONDS = 2
EVENTS_PATH = "/slack/events"


def build_app(reception: Reception, client: WebClient, signing_secret: str = "unused-in-socket-mode") -> App:
    """The Bolt app. `client` is the posting client; who the bot is was read at start, so no listener asks Slack."""
    forms = ThreadPoolExecutor(FORM_THREADS, thread_name_prefix="form")
    app = App(
        name="asm-upgrade",
        # Without a token: with one, Bolt would ask Slack for the bot's identity again.
        client=WebClient(base_url=client.base_url, timeout=client.timeout, retry_handlers=[]),
        signing_secret=signing_secret,
        authorize=_build_authorize(reception.identity, client.token or ""),
        # A listener only commits and acknowledges: run in place, it answers without Bolt's 10 ms polling.
        process_before_response=True,
        listener_executor=forms,
    )
    register_permissions(app, reception.identity)
    register_listeners(app, reception, forms)
    app.error(answer_fault)
    return app


def register_listeners(app: App, reception: Reception, forms: Executor) -> None:
    """Register every listener of the bot; `forms` runs what may only follow the acknowledgement."""
    register_commands(app, reception, forms)
    register_approvals(app, reception)
    register_starting(app, reception)
    register_home(app, reception)
    register_installation(app)


def answer_fault(error: Exception, body: Mapping[str, Any]) -> BoltResponse:
    """Log an unexpected error under an incident id and tell the person that nothing was done."""
    incident = secrets.token_hex(4)
    structlog.get_logger(__name__).error("listener failed", incident=incident, error=repr(error))
    text = f"This could not be recorded, so nothing was done (incident {incident}, see the bot's log). Try again."
    if body.get("command"):
        return BoltResponse(status=200, body=text)
    # Without an acknowledgement Slack marks the button or the form as failed.
    return BoltResponse(status=500, body=text)


class SocketConnection:
    """Socket Mode's connection, through the websocket-client adapter: it is back 4 s after an unclean drop."""

    def __init__(self, app: App, app_token: str) -> None:
        from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler

        self._handler: Any = SocketModeHandler(app, app_token, ping_interval=PING_SECONDS, concurrency=SOCKET_THREADS)

    def connect(self) -> None:
        """Connect and stay connected. Raises SlackUnreachable or SlackRefusal while that can't be done."""
        answer = call_slack(self._open)
        if not isinstance(answer, Answered):
            self.close()
        match answer:
            case Answered():
                return
            case Refused():
                raise SlackRefusal(answer.why)
            case TooFast(seconds):
                raise SlackUnreachable(f"Slack asks to wait {seconds:.0f} s")
            case Unclear(why):
                raise SlackUnreachable(why)
            case _:
                assert_never(answer)

    def is_connected(self) -> bool:
        """Whether the connection stands; it is mended without being asked."""
        return bool(self._handler.client.is_connected())

    def close(self) -> None:
        """Disconnect for good."""
        client = self._handler.client
        client.auto_reconnect_enabled = False
        link = getattr(client.current_session, "sock", None)
        if link is not None and link.sock is not None:
            # The reading thread sleeps up to 10 s through a socket that is merely closed: it has to see an end first.
            client.current_session_runner.event.set()
            with suppress(OSError):
                link.sock.shutdown(SHUT_RDWR)
            client.current_session_runner.thread.join(FAREWELL_SECONDS)
        self._handler.close()

    def _open(self) -> None:
        self._handler.connect()


def build_socket_handler(app: App, app_token: str) -> SocketConnection:
    """The connection of Socket Mode, not yet connected."""
    return SocketConnection(app, app_token)


class HttpServer:
    """HTTP mode's server: `run` blocks until another thread calls `close`."""

    def __init__(self, app: App, port: int, host: str) -> None:
        import waitress
        from slack_bolt.adapter.wsgi import SlackRequestHandler

        # It warns of every request that waits for a moment.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._sockets: dict[int, Any] = {}
        self._server = waitress.create_server(
            SlackRequestHandler(app, path=EVENTS_PATH),
            map=self._sockets,
            host=host,
            port=port,
            threads=HTTP_THREADS,
            connection_limit=MOST_CONNECTIONS,
            max_request_body_size=MOST_BODY_BYTES,
            clear_untrusted_proxy_headers=True,
            ident=None,
        )
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


def build_http_server(app: App, port: int, host: str = "127.0.0.1") -> HttpServer:
    """The server of HTTP mode; Slack's request URL ends in /slack/events. Bolt checks every signature."""
    return HttpServer(app, port, host)


def _build_authorize(identity: SlackIdentity, token: str) -> Any:
    def authorize(**_context: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=identity.enterprise_id or None,
            team_id=identity.team_id,
            bot_user_id=identity.bot_user_id,
            bot_id=identity.bot_id,
            bot_token=token,
        )

    return authorize
