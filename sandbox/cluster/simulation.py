"""What a simulated cluster consists of, and how it answers; without the site that serves it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from sandbox.cluster.api.answers import Answer, Writings
from sandbox.cluster.api.discovery import core_versions, group_list, one_group, resource_list, version_info
from sandbox.cluster.api.openapi import openapi_document
from sandbox.cluster.api.paging import Pager
from sandbox.cluster.api.reading import get_object, list_objects
from sandbox.cluster.api.requests import ApiRequest
from sandbox.cluster.api.reviews import REVIEWS, answer_review, answer_token_review
from sandbox.cluster.api.subresources import answer_subresource
from sandbox.cluster.api.watches import Bell
from sandbox.cluster.api.writing import Writer
from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.controllers.start import start_controllers
from sandbox.cluster.objects.errors import UnknownPath
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.objects.resources import Resources, minor_of
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.authorization import BOT_ACCOUNT, ROLES_GROUP, VIEWER_RULES, Authorizer, Tokens, User
from sandbox.cluster.server.canonical import canonical_objects
from sandbox.cluster.server.faults import Faults
from sandbox.cluster.server.injection import Injector
from sandbox.cluster.server.store import Store

SERVER_VERSION = "v1.16.15-gke.6000"


class Simulation:
    """The state of a cluster and the answers to requests. `clock` gives simulated seconds since the epoch, and `lead`
    by how many it is ahead of the clock of people's machines.

    Everything is guarded by `lock`, so the site may run in one thread while another calls `tick`.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        server_version: str = SERVER_VERSION,
        pace: Pace | None = None,
        account: str = BOT_ACCOUNT,
        lead: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.lock = threading.RLock()
        self.lead = lead
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
        self.authorizer = Authorizer(self.store)
        self.choose_account_rules()
        self.loops = start_controllers(self.api, self.engine, self.injector, self.faults.pods, self.pace)
        self.bell = Bell(self.store)
        self.open_watches: set[asyncio.Event] = set()
        self.closing = False
        self.bookmark_seconds = 60.0  # between two bookmarks of a watch, in real time
        self._pager = Pager()
        self._writings = Writings()
        self._writer = Writer(self.api, self.authorizer)

    def tick(self) -> float | None:
        """Do all work due by the clock; returns the simulated time of the next, None when nothing is planned."""
        with self.lock:
            return self.engine.tick()

    def choose_account_rules(self) -> None:
        """Have the bot's account live by the roles of the manifests where they are, else by Google's IAM."""
        has_roles = self.store.find(f"clusterroles.{ROLES_GROUP}", "", "asm-upgrade-operator") is not None
        self.authorizer.iam[self.tokens.account] = [] if has_roles else list(VIEWER_RULES)

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
                return list_objects(self.api, self._pager, self._writings, asked)
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

    def canonical_state(self) -> list[Json]:
        """Return the lasting objects without what differs between two runs that did the same."""
        with self.lock:
            return canonical_objects(self.store)
