"""The Google APIs that the bot calls, on one address: OAuth tokens, GKE, Resource Manager and Service Usage."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.google.account import AccessTokens, BadAssertion, ServiceAccount
from sandbox.google.project import GkeCluster, Json, Project, cluster_json, operation_json, project_json, service_json
from sandbox.google.switches import GoogleSwitches
from sandbox.web.switchboard import add_switches

TOKEN_PATH = "/token"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PAGE = 50

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class GoogleError(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason


def error_response(status: int, message: str, reason: str = "") -> web.Response:
    """Return google.rpc.Status as JSON, with an ErrorInfo where there is a reason."""
    error: dict[str, object] = {"code": status, "message": message, "status": NAMES.get(status, "UNKNOWN")}
    if reason:
        metadata = {"service": "container.googleapis.com", "consumer": "projects/123456789012"}
        error["details"] = [{"@type": ERROR_INFO, "reason": reason, "domain": "googleapis.com", "metadata": metadata}]
    return web.Response(status=status, text=json.dumps({"error": error}), content_type="application/json")


@dataclass
class GoogleApis:
    """The APIs of a project and of `others`.

    `requests` holds method and path of every call, for tests of what the bot really needs.
    """

    project: Project
    account: ServiceAccount
    switches: GoogleSwitches = field(default_factory=GoogleSwitches)
    tokens: AccessTokens = field(default_factory=AccessTokens)
    requests: list[tuple[str, str]] = field(default_factory=list)
    others: tuple[Project, ...] = ()

    def app(self) -> web.Application:
        """Return the site; `/control/google` reads and sets the switches."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[guard])
        parent = "/v1/projects/{project}"
        place = parent + "/locations/{location}"
        add = app.router.add_get
        app.router.add_post(TOKEN_PATH, self._token)
        add(place + "/clusters", self._clusters)
        add(place + "/clusters/{cluster}", self._cluster)
        add(place + "/operations", self._operations)
        add(place + "/operations/{operation}", self._operation)
        add(parent + "/services", self._services)
        add(parent + "/services:batchGet", self._batch_of_services)
        add(parent + "/services/{service}", self._service)
        app.router.add_post("/{version:v1|v3}/projects/{project}:testIamPermissions", self._permissions)
        add("/{version:v1|v3}/projects/{project}", self._project)
        add_switches(app, "/control/google", self.switches)
        return app

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/control/"):
            return await handler(request)
        self.requests.append((request.method, request.path))
        try:
            if request.path != TOKEN_PATH:
                self._admit(request)
            return await handler(request)
        except GoogleError as error:
            return error_response(error.status, error.message, error.reason)
        except web.HTTPNotFound:
            return error_response(404, f"the sandbox has no method {request.method} {request.path}")

    def _admit(self, request: web.Request) -> None:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not self.tokens.accepts(bearer):
            raise GoogleError(401, "Request had invalid authentication credentials.")
        if not self.switches.status or self.switches.status_on not in request.path:
            return
        status = self.switches.status
        if self.switches.status_times == 1:
            self.switches.status = 0
        self.switches.status_times = max(0, self.switches.status_times - 1)
        raise GoogleError(
            status, self.switches.status_message or "switched on in the sandbox", self.switches.status_reason
        )

    async def _token(self, request: web.Request) -> web.Response:
        if self.switches.token_status:
            return web.json_response({"error": "internal_failure"}, status=self.switches.token_status)
        form = await request.post()
        try:
            if form.get("grant_type") != JWT_GRANT:
                raise BadAssertion("Unsupported grant type")
            self.account.check_assertion(str(form.get("assertion", "")), self.tokens.clock())
        except BadAssertion as error:
            return web.json_response({"error": "invalid_grant", "error_description": str(error)}, status=400)
        lifetime = self.switches.token_lifetime
        token = self.tokens.issue(lifetime)
        return web.json_response({"access_token": token, "expires_in": lifetime, "token_type": "Bearer"})

    async def _clusters(self, request: web.Request) -> web.Response:
        project = self._known_project(request)
        found = project.clusters_in(request.match_info["location"])
        body: Json = {"clusters": [cluster_json(project, each, self.switches) for each in found]}
        if self.switches.missing_zones:
            body["missingZones"] = self.switches.missing_zones
        return web.json_response(body)

    async def _cluster(self, request: web.Request) -> web.Response:
        project = self._known_project(request)
        return web.json_response(cluster_json(project, self._known_cluster(request), self.switches))

    async def _operations(self, request: web.Request) -> web.Response:
        body: Json = {"operations": self._running(request, request.match_info["location"])}
        if self.switches.missing_zones:
            body["missingZones"] = self.switches.missing_zones
        return web.json_response(body)

    async def _operation(self, request: web.Request) -> web.Response:
        name = request.match_info["operation"]
        for operation in self._running(request, request.match_info["location"]):
            if operation["name"] == name:
                return web.json_response(operation)
        raise GoogleError(404, f"Not found: {request.path.removeprefix('/v1/')}.")

    def _running(self, request: web.Request, location: str) -> list[Json]:
        project = self._known_project(request)
        pairs = ((cluster, kind) for cluster in project.clusters_in(location) for kind in self.switches.operations)
        return [operation_json(project, cluster, kind, number) for number, (cluster, kind) in enumerate(pairs)]

    async def _project(self, request: web.Request) -> web.Response:
        return web.json_response(project_json(self._known_project(request), request.match_info["version"]))

    async def _permissions(self, request: web.Request) -> web.Response:
        self._known_project(request)
        asked = json.loads(await request.text() or "{}").get("permissions", [])
        return web.json_response({"permissions": [one for one in asked if one not in self.switches.denied_permissions]})

    async def _services(self, request: web.Request) -> web.Response:
        project = self._known_project(request)
        listed = [service_json(project, name, self.switches.disabled_services) for name in project.services]
        wanted = request.query.get("filter", "").partition("state:")[2]
        found = [service for service in listed if wanted in ("", service["state"])]
        start, size = int(request.query.get("pageToken", 0)), int(request.query.get("pageSize", PAGE))
        body: Json = {"services": found[start : start + size]}
        if start + size < len(found):
            body["nextPageToken"] = str(start + size)
        return web.json_response(body)

    async def _batch_of_services(self, request: web.Request) -> web.Response:
        project = self._known_project(request)
        names = [name.rpartition("/")[2] for name in request.query.getall("names", [])]
        return web.json_response(
            {"services": [service_json(project, name, self.switches.disabled_services) for name in names]}
        )

    async def _service(self, request: web.Request) -> web.Response:
        project = self._known_project(request)
        return web.json_response(service_json(project, request.match_info["service"], self.switches.disabled_services))

    def _known_project(self, request: web.Request) -> Project:
        name = request.match_info["project"]
        for project in (self.project, *self.others):
            if project.knows(name):
                return project
        raise GoogleError(403, f"Permission denied on resource project {name} (or it may not exist).")

    def _known_cluster(self, request: web.Request) -> GkeCluster:
        cluster = self.project.cluster(request.match_info["location"], request.match_info["cluster"])
        if cluster is None:
            raise GoogleError(404, f"Not found: {request.path.removeprefix('/v1/')}.")
        return cluster
