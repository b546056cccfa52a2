"""The simulated GKE cluster: one object that holds everything and serves it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from sandbox.cluster.control import control_routes
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.http.site import LARGEST_BODY, ApiSite
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.seeds.cluster_x import seed_cluster_x
from sandbox.cluster.server.authorization import BOT_ACCOUNT
from sandbox.cluster.simulation import SERVER_VERSION, Simulation
from sandbox.cluster.snapshots import load_snapshot, take_snapshot
from sandbox.cluster.weather.sky import Sky
from sandbox.cluster.weather.table import WEATHERS

log = logging.getLogger(__name__)
# How often the background ticker looks at the clock, in real seconds.
TICK_SECONDS = 0.02


class SimulatedCluster(Simulation):
    """A Kubernetes cluster with a mesh. `clock` gives simulated seconds since the epoch; `seed_fn` fills it."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        server_version: str = SERVER_VERSION,
        seed_fn: Callable[[Simulation], None] | None = seed_cluster_x,
        pace: Pace | None = None,
        account: str = BOT_ACCOUNT,
        lead: Callable[[], float] = lambda: 0.0,
    ) -> None:
        super().__init__(clock, server_version=server_version, pace=pace, account=account, lead=lead)
        self.sky = Sky(self, WEATHERS)
        if seed_fn is not None:
            seed_fn(self)

    def app(self, *, background: bool = True) -> web.Application:
        """Return the site: the Kubernetes API and /control/*. `background` ticks by itself while the site is open."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.add_routes(control_routes(self, self.sky))
        app.add_routes(ApiSite(self).routes())
        app.on_shutdown.append(self._end_watches)
        if background:
            app.cleanup_ctx.append(self._ticker)
        return app

    def snapshot(self) -> Json:
        """Return everything that lasts, as JSON."""
        with self.lock:
            return take_snapshot(self)

    def restore(self, snapshot: Json) -> None:
        """Go back to a snapshot. Raises ValueError for one of another format."""
        with self.lock:
            load_snapshot(self, snapshot)

    async def _end_watches(self, app: web.Application) -> None:
        self.closing = True
        for rung in tuple(self.open_watches):
            rung.set()

    async def _ticker(self, app: web.Application) -> AsyncIterator[None]:
        ticking = asyncio.create_task(self._tick_on())
        ticking.add_done_callback(_report_death)
        yield
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking

    async def _tick_on(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(TICK_SECONDS)


def _report_death(ticking: asyncio.Task[None]) -> None:
    if not ticking.cancelled() and ticking.exception() is not None:
        log.error("the simulated cluster stands still", exc_info=ticking.exception())
