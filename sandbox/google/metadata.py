"""GKE's metadata server, from which a pod gets its account's tokens by Workload Identity, without a key file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.google.account import AccessTokens, ServiceAccount
from sandbox.web.sites import open_site

ROOT = "/computeMetadata/v1"
OWN_ACCOUNT = ROOT + "/instance/service-accounts/{account}"
FLAVOR = {"Metadata-Flavor": "Google"}
SCOPES = ("https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email")
LOOK_SECONDS = 0.1
UNBOUND = (
    "Unable to generate access token; IAM returned 403 Forbidden: Permission 'iam.serviceAccounts.getAccessToken' "
    "denied on resource (or it may not exist).\n"
    "This error could be caused by a missing IAM policy binding on the target IAM service account.\n"
    "For more information, refer to the Workload Identity documentation:\n"
    "\thttps://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#authenticating_to\n"
)
THROTTLED = 429
WORDS = {THROTTLED: "Too Many Requests", 500: "GKE Metadata Server: Internal Server Error", 503: "Service Unavailable"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class MetadataSwitches:
    """What is broken about the metadata server; it is in order at the start.

    `status` is answered `status_times` times (0: until switched off), with `body` where it is not empty; 403 has the
    words of an account that is not bound. `seconds` is how much longer each answer takes. `away` refuses connections,
    as a new pod's server does for its first `late_seconds`.
    """

    status: int = 0
    status_times: int = 0
    body: str = ""
    seconds: float = 0.0
    away: bool = False
    late_seconds: float = 0.0


@dataclass
class MetadataServer:
    """Answers about the pod's own account as the real one does, with tokens that the sandbox's Google accepts."""

    account: ServiceAccount
    tokens: AccessTokens
    switches: MetadataSwitches = field(default_factory=MetadataSwitches)
    lifetime: int = 3599
    requests: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        """Return the site, without switches of its own: a pod's metadata server has none either."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[guard])
        add = app.router.add_get
        add("/", self._root)
        add(f"{ROOT}/project/project-id", self._project)
        add(f"{ROOT}/universe/universe-domain", self._universe)
        add(f"{OWN_ACCOUNT}/", self._account)
        add(f"{OWN_ACCOUNT}/email", self._email)
        add(f"{OWN_ACCOUNT}/token", self._token)
        return app

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(request.path)
        if self.switches.seconds:
            await asyncio.sleep(self.switches.seconds)
        if request.headers.get("Metadata-Flavor") != "Google":
            return _text("Missing required header Metadata-Flavor: Google\n", 403)
        return self._trouble() or await self._answer(request, handler)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.get("account", "default") not in ("default", self.account.email):
            return _text("Not Found\n", 404)
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return _text("Not Found\n", 404)

    def _trouble(self) -> web.Response | None:
        switches = self.switches
        status = switches.status
        if not status:
            return None
        if switches.status_times == 1:
            switches.status = 0
        switches.status_times = max(0, switches.status_times - 1)
        if switches.body:
            form = "text/html" if switches.body.startswith("<") else "application/json"
            return web.Response(status=status, text=switches.body, content_type=form, headers=FLAVOR)
        return _text(WORDS.get(status, UNBOUND), status)

    async def _root(self, request: web.Request) -> web.Response:
        return _text("computeMetadata/\n")

    async def _project(self, request: web.Request) -> web.Response:
        return _text(self.account.project)

    async def _universe(self, request: web.Request) -> web.Response:
        return _text("googleapis.com")

    async def _email(self, request: web.Request) -> web.Response:
        return _text(self.account.email)

    async def _account(self, request: web.Request) -> web.Response:
        return _json({"aliases": ["default"], "email": self.account.email, "scopes": list(SCOPES)})

    async def _token(self, request: web.Request) -> web.Response:
        token = self.tokens.issue(self.lifetime)
        return _json({"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"})


@contextlib.asynccontextmanager
async def open_metadata(
    server: MetadataServer, port: int, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[None]:
    """Serve it on this port of loopback, and listen there only while its switches let it."""
    keeping = asyncio.ensure_future(_keep_open(server, port, clock))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep_open(server: MetadataServer, port: int, clock: Callable[[], float]) -> None:
    began = clock()
    site = None
    try:
        while True:
            wanted = not server.switches.away and clock() - began >= server.switches.late_seconds
            if wanted and site is None:
                site = await open_site(server.app(), port=port)
            elif site is not None and not wanted:
                await site.close()
                site = None
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        if site is not None:
            await site.close()


def _text(words: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=words, content_type="application/text", headers=FLAVOR)


def _json(answer: object) -> web.Response:
    return web.Response(text=json.dumps(answer), content_type="application/json", headers=FLAVOR)
