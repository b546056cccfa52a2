"""The Slack stand-in: Web API, Socket Mode, HTTP mode, control API and page, as one aiohttp application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.slack.from_bot.file_routes import FileRoutes
from sandbox.slack.from_bot.replies import answer_response_url
from sandbox.slack.from_bot.web_api import WebApi
from sandbox.slack.people.acts import Acts
from sandbox.slack.people.control import Control
from sandbox.slack.people.guards import guard_person
from sandbox.slack.people.page_routes import page_routes
from sandbox.slack.people.view_acts import ViewActs
from sandbox.slack.to_bot.delivery import ACK_SECONDS, Courier
from sandbox.slack.to_bot.modes import Modes
from sandbox.slack.to_bot.sockets import Sockets
from sandbox.slack.values.shapes import Json
from sandbox.slack.workspace.cast import Cast
from sandbox.slack.workspace.snapshots import Snapshots
from sandbox.slack.workspace.workspace import Workspace

RETRY_SECONDS = (1.0, 60.0, 300.0)
MOST_BODY_BYTES = 32 * 1024 * 1024


class SlackStandIn:
    """A local Slack. `clock` gives Unix seconds for message stamps, rate limits, triggers and response URLs.

    Acks are awaited `ack_seconds` by the real clock. With `state_file` messages, Home tabs and files survive a restart.
    Raises SnapshotError where that file holds something else.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        cast: Cast | None = None,
        *,
        rate_limits: bool = True,
        state_file: Path | None = None,
        ack_seconds: float = ACK_SECONDS,
    ) -> None:
        self.cast = cast or Cast()
        self.workspace = Workspace(clock, self.cast, rate_limits=rate_limits)
        workspace = self.workspace
        self._sockets = Sockets(self.cast, workspace.inspector, workspace.feed, ack_seconds)
        self._courier = Courier(workspace.inspector, workspace.faults, self._sockets, RETRY_SECONDS)
        self._modes = Modes(workspace, self._courier, self._sockets, ack_seconds)
        self._control = Control(
            workspace, Acts(workspace, self._courier), ViewActs(workspace, self._courier), self._modes
        )
        self._snapshots = Snapshots(workspace, state_file) if state_file else None
        if self._snapshots:
            self._snapshots.load()

    def app(self) -> web.Application:
        """Build the application; its shutdown calls `close()`."""
        app = web.Application(middlewares=[guard_person, self._learn_origin], client_max_size=MOST_BODY_BYTES)
        api = WebApi(self.workspace, self._sockets)
        app.add_routes(
            [
                web.route("*", "/api/{method}", api.serve),
                web.get("/link/", self._sockets.serve),
                web.post("/response/{team}/{key}", self._respond),
                *FileRoutes(self.workspace).routes(),
                *self._control.routes(),
                *page_routes(),
            ]
        )
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._end)
        return app

    def shown(self) -> Json:
        """Return what the page shows, for whoever is in the thread of the site."""
        return self._control.shown()

    async def close(self) -> None:
        """End streams, sockets and waits, and write the snapshot; safe to call twice."""
        self.workspace.feed.close()
        await self._courier.close()
        await self._sockets.close()
        await self._modes.close()
        if self._snapshots:
            await self._snapshots.close()

    @web.middleware
    async def _learn_origin(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # Until the bot calls, the address that a person uses is the best one for response and file URLs.
        self.workspace.origin = self.workspace.origin or str(request.url.origin())
        return await handler(request)

    async def _start(self, app: web.Application) -> None:
        if self._snapshots:
            self._snapshots.start()

    async def _end(self, app: web.Application) -> None:
        await self.close()

    async def _respond(self, request: web.Request) -> web.Response:
        return await answer_response_url(self.workspace, request)
