"""The HTTP side of the cluster: authentication, faults, and one answer or watch for each request."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import yaml
from aiohttp import web
from multidict import CIMultiDictProxy

from sandbox.cluster.api.answers import Answer
from sandbox.cluster.api.deprecations import find_deprecation
from sandbox.cluster.api.openapi import openapi_protobuf
from sandbox.cluster.api.protobuf_bodies import read_protobuf
from sandbox.cluster.api.requests import ApiRequest, read_target, read_verb
from sandbox.cluster.http.impersonation import NoUser, read_impersonation
from sandbox.cluster.http.moments import read_moments, show_moments
from sandbox.cluster.http.watch_stream import stream_watch
from sandbox.cluster.objects.errors import ApiError, UnknownPath, bad_request, internal
from sandbox.cluster.server.authorization import ANONYMOUS, MASTERS, UNAUTHENTICATED, Attributes, User, find_permission
from sandbox.cluster.server.faults import RequestFault
from sandbox.cluster.simulation import Simulation

log = logging.getLogger(__name__)
KUBECTL = "kubectl"
LARGEST_BODY = 16 * 2**20


@dataclass(frozen=True)
class Incoming:
    """A request: the path and the query are decoded, the body is not."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: CIMultiDictProxy[str]
    content_type: str
    raw: bytes


@dataclass(frozen=True)
class Outgoing:
    """An answer as bytes, with all of its own headers."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class ApiSite:
    """Turns HTTP requests into calls on a simulated cluster."""

    def __init__(self, cluster: Simulation) -> None:
        self._cluster = cluster

    def routes(self) -> list[web.RouteDef]:
        """Return the routes: everything that is not claimed before."""
        return [web.route("*", "/{path:.*}", self.handle)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        try:
            return await self._handle(request)
        except web.HTTPException:
            raise
        except Exception as error:
            return _carry(_refuse(request.method, request.path, error))

    def respond(self, sent: Incoming) -> Outgoing | RequestFault | ApiRequest:
        """Answer a request; given back are the fault that strikes it and the watch that it asks for."""
        try:
            return self._respond(sent)
        except Exception as error:
            return _refuse(sent.method, sent.path, error)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        if self._cluster.faults.latency:
            await asyncio.sleep(self._cluster.faults.latency)
        sent = Incoming(request.method, request.path, request.query, request.headers, request.content_type, raw)
        match self.respond(sent):
            case Outgoing() as reply:
                return _carry(reply)
            case RequestFault() as fault:
                return await _suffer(request, fault)
            case ApiRequest() as watch:
                return await stream_watch(self._cluster, request, watch)

    def _respond(self, sent: Incoming) -> Outgoing | RequestFault | ApiRequest:
        known = self._authenticate(sent)
        user = self._impersonate(known, sent)
        if not sent.path.startswith(("/api/v", "/apis/")) or _is_discovery(sent.path):
            return self._plain(sent, user)
        asked = self._read(sent, user, by_person=MASTERS in known.groups)
        struck = self._strike(asked)
        if struck is not None:
            return struck
        self._authorize(user, asked.attributes)
        if asked.verb == "watch":
            return asked
        with self._cluster.lock:
            answer = self._cluster.answer(asked)
        if asked.by_person:
            answer = replace(answer, body=show_moments(answer.body, self._cluster.lead()))
        warning = find_deprecation(asked.target, self._cluster.server_version)
        return _write_answer(answer, f'299 - "{warning}"' if warning else "")

    def _read(self, sent: Incoming, user: User, *, by_person: bool) -> ApiRequest:
        with self._cluster.lock:
            target = read_target(self._cluster.resources, sent.path)
            verb = read_verb(sent.method, target, sent.query)
        accept = sent.headers.get("Accept", "application/json")
        body = _read_body(sent.raw, sent.content_type) if sent.raw else None
        agent = sent.headers.get("User-Agent", "")
        by_person = by_person and agent.startswith(KUBECTL)
        if by_person:
            body = read_moments(body, self._cluster.lead())
        return ApiRequest(target, verb, sent.query, accept, sent.content_type, body, user, agent, by_person)

    def _plain(self, sent: Incoming, user: User) -> Outgoing:
        self._authorize(user, Attributes("get", path=sent.path))
        with self._cluster.lock:
            if sent.path == "/openapi/v2" and "protobuf" in sent.headers.get("Accept", ""):
                body = openapi_protobuf(self._cluster.resources, self._cluster.server_version)
                # Like the servers of that time, whose handler left the type to be guessed from the content.
                return Outgoing(200, body, {"Content-Type": "application/octet-stream"})
            return _write_answer(self._cluster.answer_path(sent.path))

    def _authenticate(self, sent: Incoming) -> User:
        header = sent.headers.get("Authorization", "")
        if not header:
            return User(ANONYMOUS, (UNAUTHENTICATED,))
        scheme, _, token = header.partition(" ")
        with self._cluster.lock:
            user = self._cluster.user_of(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        return user

    def _impersonate(self, user: User, sent: Incoming) -> User:
        """Return who acts: somebody else where the headers name one and the user may act for each of what they name."""
        other = read_impersonation(sent.headers)
        if other is None:
            return user
        for wanted in other.list_wanted():
            self._authorize(user, wanted)
        return other.make_user()

    def _authorize(self, user: User, wanted: Attributes) -> None:
        with self._cluster.lock:
            if wanted.path in ("/healthz", "/readyz", "/livez") or self._cluster.authorizer.allows(user, wanted):
                return
        raise _forbidden(user, wanted)

    def _strike(self, asked: ApiRequest) -> RequestFault | None:
        if MASTERS in asked.user.groups and not self._cluster.faults_strike_admin:
            return None
        wanted = asked.attributes
        with self._cluster.lock:
            return self._cluster.faults.strike(wanted.verb, wanted.full_resource, wanted.namespace)


def _is_discovery(path: str) -> bool:
    parts = [part for part in path.split("/") if part]
    return len(parts) <= (2 if parts[0] == "api" else 3)


def _read_body(raw: bytes, content_type: str) -> Any:
    if "protobuf" in content_type:
        return read_protobuf(raw)
    try:
        if content_type.endswith("yaml"):
            return yaml.safe_load(raw)
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, yaml.YAMLError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def _carry(reply: Outgoing) -> web.Response:
    return web.Response(body=reply.body, status=reply.status, headers=reply.headers)


def _refuse(method: str, path: str, error: Exception) -> Outgoing:
    match error:
        case UnknownPath(plain=True):
            return _write_text("404 page not found\n", 404)
        case NoUser():
            return _write_text(f'Internal Server Error: "{path}": {error}\n', 500)
        case ApiError():
            return _write_error(error)
        case _:
            log.error("the simulated API server failed over %s %s", method, path, exc_info=error)
            return _write_error(
                internal(f"the simulated API server can't answer this: {type(error).__name__}: {error}")
            )


def _forbidden(user: User, wanted: Attributes) -> ApiError:
    if wanted.path:
        message = f'forbidden: User "{user.name}" cannot {wanted.verb} path "{wanted.path}"'
        return ApiError(403, "Forbidden", message)
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    verb = f'cannot {wanted.verb} resource "{wanted.full_resource}" in API group "{wanted.group}" {where}'
    full = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    named = f' "{wanted.name}"' if wanted.name else ""
    details = {"name": wanted.name, "group": wanted.group, "kind": wanted.resource}
    details = {name: value for name, value in details.items() if value}
    lacking = find_permission(user, wanted)
    asked = f': requires one of ["{lacking}"] permission(s).' if lacking else ""
    return ApiError(403, "Forbidden", f'{full}{named} is forbidden: User "{user.name}" {verb}{asked}', details)


async def _suffer(request: web.Request, fault: RequestFault) -> web.StreamResponse:
    if fault.kind == "reset":
        if request.transport is not None:
            request.transport.abort()
        raise asyncio.CancelledError
    if fault.kind == "hang":
        await asyncio.sleep(3600 + random.random())
    return _carry(write_fault(fault))


def write_fault(fault: RequestFault) -> Outgoing:
    """Return the reply with which a fault answers in place of the cluster."""
    reasons = {429: "TooManyRequests", 401: "Unauthorized", 403: "Forbidden", 410: "Expired", 503: "ServiceUnavailable",
               504: "Timeout", 409: "Conflict", 404: "NotFound"}  # fmt: skip
    reason = reasons.get(fault.status, "InternalError")
    message = {429: "Too many requests, please try again later.", 401: "Unauthorized"}.get(
        fault.status, f"injected fault: {reason}"
    )
    details = {"retryAfterSeconds": fault.retry_after} if fault.retry_after is not None else None
    return _write_error(ApiError(fault.status, reason, message, details, fault.retry_after))


def _write_answer(answer: Answer, warning: str = "") -> Outgoing:
    """Return the reply that an answer makes."""
    if answer.text is not None:
        return _write_text(answer.text, answer.status)
    headers = {"Content-Type": "application/json", **answer.headers, **({"Warning": warning} if warning else {})}
    return Outgoing(answer.status, msgspec.json.encode(answer.body), headers)


def _write_text(text: str, status: int) -> Outgoing:
    """Return a reply of plain text."""
    return Outgoing(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})


def _write_error(error: ApiError) -> Outgoing:
    """Return the reply that refuses a request."""
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    return _write_answer(Answer(error.status(), error.code, headers=headers))
