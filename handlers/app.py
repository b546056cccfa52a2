"""The Bolt app with its listeners, and the two ways in which Slack reaches it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.slack.identity import SlackIdentity
from handlers.approvals import register_approvals
from handlers.commands import register_commands
from handlers.desk import Clock, Desk, Reception
from handlers.permissions import register_permissions

if TYPE_CHECKING:
    from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler

FORM_THREADS = 8
SOCKET_THREADS = 16
HTTP_THREADS = 16
PING_SECONDS = 5
EVENTS_PATH = "/slack/events"


class HttpServer(Protocol):
    """A server that `run` blocks in until `close`."""

    def run(self) -> None:
        """Serve."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


def build_app(
    desk: Desk, identity: SlackIdentity, clock: Clock, client: WebClient, signing_secret: str = "unused-in-socket-mode"
) -> App:
    """The Bolt app. `client` is the posting client; `identity` was read at start, so no listener asks Slack for it."""
    app = App(
        name="asm-upgrade",
        client=client,
        signing_secret=signing_secret,
        authorize=_build_authorize(identity, client.token or ""),
        # A listener only commits and acknowledges: run in place, it answers without Bolt's 10 ms polling.
        process_before_response=True,
        listener_executor=ThreadPoolExecutor(FORM_THREADS, thread_name_prefix="form"),
    )
    register_permissions(app, identity)
    register_listeners(app, Reception(desk, identity, clock))
    app.error(answer_fault)
    return app


def register_listeners(app: App, reception: Reception) -> None:
    """Register every listener of the bot."""
    register_commands(app, reception)
    register_approvals(app, reception)


def answer_fault(error: Exception, body: Mapping[str, Any]) -> BoltResponse:
    """Log an unexpected error under an incident id and tell the person that nothing was done."""
    incident = secrets.token_hex(4)
    structlog.get_logger(__name__).error("listener failed", incident=incident, error=repr(error))
    text = f"This could not be recorded, so nothing was done (incident {incident}, see the bot's log). Try again."
    if body.get("command"):
        return BoltResponse(status=200, body=text)
    # Without an acknowledgement Slack marks the button or the form as failed.
    return BoltResponse(status=500, body=text)


def build_socket_handler(app: App, app_token: str) -> SocketModeHandler:
    """The Socket Mode connection; `connect()` and `close()` it, `client.is_connected()` tells its health."""
    from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler

    return SocketModeHandler(app, app_token, ping_interval=PING_SECONDS, concurrency=SOCKET_THREADS)


def build_http_server(app: App, port: int, host: str = "127.0.0.1") -> HttpServer:
    """The server of HTTP mode; Slack's request URL ends in /slack/events. Bolt checks every signature."""
    import waitress
    from slack_bolt.adapter.wsgi import SlackRequestHandler

    server: HttpServer = waitress.create_server(
        SlackRequestHandler(app, path=EVENTS_PATH),
        host=host,
        port=port,
        threads=HTTP_THREADS,
        max_request_body_size=1_000_000,
        clear_untrusted_proxy_headers=True,
        ident=None,
    )
    return server


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
