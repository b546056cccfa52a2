"""The bot's connection to Slack: made once Slack answers, kept by the SDK, closed at the end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from bot.clock import Clock
from bot.orders.fleet import Fleet
from bot.settings.environment import SlackSettings
from bot.slack.api.clients import build_posting_client
from bot.slack.api.identity import SlackIdentity, SlackUnreachable, read_identity
from bot.slack.sending.home_tabs import HomeTabs
from handlers.desk import Desk, Reception

if TYPE_CHECKING:
    from slack_bolt import App

    from handlers.transport.http_mode import HttpServer
    from handlers.transport.socket_mode import SocketConnection

log = structlog.get_logger(__name__)
CONNECT_AGAIN_SECONDS = 2.0


class SlackFront:
    """Socket Mode or HTTP mode over one desk. `turn` connects; it is called again until it has. Closed, it stays so.

    `workspace` is the address of the workspace, "" until Slack has told it.
    """

    def __init__(
        self,
        settings: SlackSettings,
        desk: Desk,
        clock: Clock,
        fleet: Fleet,
        tabs: HomeTabs,
        workspaces: frozenset[str],
    ) -> None:
        self._settings = settings
        self._workspaces = workspaces
        self._desk = desk
        self._clock = clock
        self._fleet = fleet
        self._tabs = tabs
        self._socket: SocketConnection | None = None
        self._http: HttpServer | None = None
        self._closed = False
        self._doors = threading.Lock()
        self.trouble = "Slack was not reached yet"
        self.workspace = ""

    def turn(self) -> float | None:
        """Connect where that is still to be done; seconds until the next try. Raises SlackRefusal on a wrong token."""
        if self._socket:
            self._socket.count_again()
        if self._socket or self._http or self._closed:
            return None
        try:
            identity = read_identity(
                build_posting_client(self._settings.bot_token, self._settings.api_url), self._settings.app_token
            )
            self.workspace = identity.url
            self._open(self._build_app(identity))
        except (SlackUnreachable, OSError) as error:
            self.trouble = f"Slack can't be reached: {error}"
            log.warning("slack_unreachable", why=str(error))
            return CONNECT_AGAIN_SECONDS
        if self._closed:
            return None
        self.trouble = ""
        log.info("slack_connected", mode=self._settings.mode, team=identity.team_id)
        return None

    def find_trouble(self) -> str:
        """Why people can't reach the bot through Slack, "" when they can."""
        if self._socket and not self._socket.is_connected():
            return "the Socket Mode connection is down; the SDK reconnects by itself"
        return self.trouble

    def find_sharer(self) -> str:
        """Says that another program takes some of the clicks, "" where none does."""
        return self._socket.find_sharer() if self._socket else ""

    def close(self) -> None:
        """Take no more envelopes, also by a connection that is being made."""
        with self._doors:
            self._closed = True
        for door in (self._socket, self._http):
            if door:
                door.close()

    def _build_app(self, identity: SlackIdentity) -> App:
        from handlers.app import build_app

        reception = Reception(self._desk, self._fleet, self._tabs, identity, self._clock, self._workspaces)
        client = build_posting_client(self._settings.bot_token, self._settings.api_url)
        secret = self._settings.signing_secret or "unused-in-socket-mode"
        return build_app(reception, client, secret)

    def _open(self, app: App) -> None:
        from handlers.transport.http_mode import build_http_server
        from handlers.transport.socket_mode import build_socket_handler

        if self._settings.mode == "http":
            slack = self._settings
            with self._doors:
                if not self._closed:
                    self._http = build_http_server(app, slack.signing_secret, slack.http_port, slack.listen)
                    threading.Thread(target=self._http.run, name="slack-http", daemon=True).start()
            return
        handler = build_socket_handler(app, self._settings.app_token)
        handler.connect()
        with self._doors:
            if not self._closed:
                self._socket = handler
                return
        handler.close()
