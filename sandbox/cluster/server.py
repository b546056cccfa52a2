"""The simulated GKE cluster: one object that holds everything and serves it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from sandbox.cluster.api.answers import Answer
from sandbox.cluster.api.paging import Pager
from sandbox.cluster.api.reading import get_object, list_objects
from sandbox.cluster.api.requests import ApiRequest
from sandbox.cluster.api.reviews import REVIEWS, answer_review, answer_token_review
from sandbox.cluster.api.site import LARGEST_BODY, ApiSite
from sandbox.cluster.api.subresources import answer_subresource
from sandbox.cluster.api.watches import Bell
from sandbox.cluster.api.writing import Writer
from sandbox.cluster.apiserver import ApiServer
from sandbox.cluster.authorization import VIEWER_RULES, Authorizer, User
from sandbox.cluster.canonical import canonical_objects
from sandbox.cluster.control import control_routes
from sandbox.cluster.control_loops import start_controllers
from sandbox.cluster.discovery import core_versions, group_list, one_group, resource_list, version_info
from sandbox.cluster.engine import Engine
from sandbox.cluster.errors import UnknownPath
from sandbox.cluster.faults import Faults
from sandbox.cluster.injection import Injector
from sandbox.cluster.objects import Json
from sandbox.cluster.openapi import openapi_document
from sandbox.cluster.pace import Pace
from sandbox.cluster.resources import Resources, minor_of
from sandbox.cluster.seed import seed_cluster_x
from sandbox.cluster.snapshots import load_snapshot, take_snapshot
from sandbox.cluster.store import Store
from sandbox.cluster.tokens import BOT_ACCOUNT, Tokens

SERVER_VERSION = "v1.16.15-gke.6000"
log = logging.getLogger(__name__)
# How often the background ticker looks at the clock, in real seconds.
TICK_SECONDS = 0.02


class SimulatedCluster:
    """A Kubernetes cluster with a mesh. `clock` gives simulated seconds since the epoch.

    Everything is guarded by `lock`, so the site may run in one thread while another calls `tick`.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        server_version: str = SERVER_VERSION,
        seed_fn: Callable[[SimulatedCluster], None] | None = seed_cluster_x,
        pace: Pace | None = None,
        account: str = BOT_ACCOUNT,
    ) -> None:
        self.lock = threading.RLock()
        self.server_version = server_version
        self.pace = pace or Pace()
        self.resources = Resources(minor_of(server_version))
        self.store = Store()
        self.faults = Faults()
        self.faults_strike_admin = False
        self.injector = Injector(self.store)
        self.tokens = Tokens(account)
        self.engine = Engine(clock, self.store)
        self.api = ApiServer(self.store, self.resources, self.injector, self.engine.now)
        self.authorizer = Authorizer(self.store, {account: list(VIEWER_RULES)})
        self.loops = start_controllers(self.api, self.engine, self.injector, self.faults.pods, self.pace)
        self.bell = Bell(self.store)
        self.open_watches: set[asyncio.Event] = set()
        self.closing = False
        self.bookmark_seconds = 60.0  # between two bookmarks of a watch, in real time
        self._pager = Pager()
        self._writer = Writer(self.api, self.authorizer)
        if seed_fn is not None:
            seed_fn(self)

    def tick(self) -> float | None:
        """Do all work due by the clock; returns the simulated time of the next, None when nothing is planned."""
        with self.lock:
            return self.engine.tick()

    def app(self, *, background: bool = True) -> web.Application:
        """Return the site: the Kubernetes API and /control/*. `background` ticks by itself while the site is open."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.add_routes(control_routes(self))
        app.add_routes(ApiSite(self).routes())
        app.on_shutdown.append(self._end_watches)
        if background:
            app.cleanup_ctx.append(self._ticker)
        return app

    def user_of(self, token: str) -> User | None:
        """Return the user of a bearer token, None for one that is refused."""
        if self.faults.is_expired(token, [self.tokens.admin]):
            return None
        return self.tokens.user_of(token)

    def answer(self, asked: ApiRequest) -> Answer:
        """Answer a request for a resource, watches excepted. Raises ApiError."""
        if asked.target.resource.kind == "TokenReview":
            return answer_token_review(self.user_of, asked)
        if asked.target.resource.kind in REVIEWS:
            return answer_review(self.authorizer, asked)
        if asked.target.subresource not in ("", "status", "finalize"):
            return answer_subresource(self.api, asked)
        match asked.verb:
            case "get":
                return get_object(self.api, asked)
            case "list":
                return list_objects(self.api, self._pager, asked)
            case "create":
                return self._writer.create(asked)
            case "update":
                return self._writer.update(asked)
            case "patch":
                return self._writer.patch(asked)
            case "delete":
                return self._writer.delete(asked)
            case _:
                return self._writer.delete_collection(asked)

    def answer_path(self, path: str) -> Answer:
        """Answer a path that names no resource. Raises ApiError 404."""
        parts = [part for part in path.split("/") if part]
        found: Json | None
        match parts:
            case ["version"]:
                found = version_info(self.server_version)
            case ["healthz" | "readyz" | "livez"]:
                return Answer(text="ok")
            case ["api"]:
                found = core_versions("127.0.0.1:443")
            case ["apis"]:
                found = group_list(self.resources)
            case ["api", "v1"]:
                found = resource_list(self.resources, "", "v1")
            case ["apis", group]:
                found = one_group(self.resources, group)
            case ["apis", group, version]:
                found = resource_list(self.resources, group, version)
            case ["openapi", "v2"]:
                found = openapi_document(self.resources, self.server_version)
            case _:
                found = None
        if found is None:
            raise UnknownPath(plain=True)
        return Answer(found)

    def expire_watches(self) -> None:
        """Forget all history, so that every watch and continue token in use is too old."""
        with self.lock:
            self.store.compact(self.store.revision)
            self.store.revision += 1
            self.store.compacted = self.store.revision
            self.bell.ring_all()

    def snapshot(self) -> Json:
        """Return everything that lasts, as JSON."""
        with self.lock:
            return take_snapshot(self)

    def restore(self, snapshot: Json) -> None:
        """Go back to a snapshot. Raises ValueError for one of another format."""
        with self.lock:
            load_snapshot(self, snapshot)

    def canonical_state(self) -> list[Json]:
        """Return the lasting objects without what differs between two runs that did the same."""
        with self.lock:
            return canonical_objects(self.store)

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
