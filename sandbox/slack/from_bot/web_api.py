"""The Web API: /api/METHOD with Slack's tokens, scopes, rate tiers, errors and the faults that are on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.slack.from_bot.methods import chat, conversations, files, people, views
from sandbox.slack.to_bot.sockets import Sockets
from sandbox.slack.values.shapes import Call, Json, Refusal, parse_json_object
from sandbox.slack.workspace.faults import API_FAULTS, Fault
from sandbox.slack.workspace.limits import Tier
from sandbox.slack.workspace.workspace import Workspace

BEFORE = frozenset({"429", "internal_error", "invalid_blocks", "plan_blocks", "error", "slow"})
AFTER = frozenset(API_FAULTS) - BEFORE


@dataclass(frozen=True)
class Method:
    """A Web API method: who answers it, its rate tier and the scope that it needs."""

    name: str
    answer: Callable[[Workspace, Call], Json]
    tier: Tier
    scope: str = ""


METHODS = (
    Method("auth.test", people.test_token, Tier.FREE),
    Method("chat.postMessage", chat.post_message, Tier.SPECIAL, "chat:write"),
    Method("chat.update", chat.update_message, Tier.THREE, "chat:write"),
    Method("chat.delete", chat.delete_message, Tier.THREE, "chat:write"),
    Method("chat.postEphemeral", chat.post_ephemeral, Tier.FOUR, "chat:write"),
    Method("chat.getPermalink", chat.get_permalink, Tier.FREE),
    Method("views.open", views.open_view, Tier.FOUR),
    Method("views.push", views.push_view, Tier.FOUR),
    Method("views.update", views.update_view, Tier.FOUR),
    Method("views.publish", views.publish_home, Tier.FOUR),
    Method("blocks.validate", views.validate_blocks, Tier.THREE),
    Method("conversations.history", conversations.list_history, Tier.THREE),
    Method("conversations.replies", conversations.list_replies, Tier.THREE),
    Method("conversations.info", conversations.show_channel, Tier.THREE),
    Method("conversations.list", conversations.list_channels, Tier.TWO, "channels:read"),
    Method("conversations.open", conversations.open_direct, Tier.THREE, "im:write"),
    Method("users.info", people.show_person, Tier.FOUR, "users:read"),
    Method("usergroups.list", people.list_groups, Tier.TWO, "usergroups:read"),
    Method("usergroups.users.list", people.list_group_members, Tier.TWO, "usergroups:read"),
    Method("reactions.add", people.add_reaction, Tier.THREE, "reactions:write"),
    Method("files.getUploadURLExternal", files.begin_upload, Tier.FOUR, "files:write"),
    Method("files.completeUploadExternal", files.complete_upload, Tier.FOUR, "files:write"),
    Method("files.info", files.show_file, Tier.FOUR, "files:read"),
)


class WebApi:
    """Answers /api/METHOD; everything that it doesn't know fails loudly with unknown_method."""

    def __init__(self, workspace: Workspace, sockets: Sockets) -> None:
        self._workspace = workspace
        self._sockets = sockets
        self._methods = {method.name: method for method in METHODS}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call and record it."""
        began = time.perf_counter()
        name = request.match_info["method"]
        origin = str(request.url.origin())
        args: Json = {}
        fault: Fault | None = None
        headers: dict[str, str] = {}
        try:
            args = await read_arguments(request)
            call = Call(name, args, origin)
            self._workspace.origin = origin
            fault = await self._meet_fault(call, BEFORE)
            answer = {"ok": True, **self._answer(call, read_token(request, args), headers)}
            fault = await self._meet_fault(call, AFTER) or fault
        except Refusal as refusal:
            answer = {"ok": False, "error": refusal.code, **refusal.details}
            fault = refusal.details.pop("_fault", None) or fault
            answer.pop("_fault", None)
        seconds = answer.pop("_retry_after", None)
        self._record(name, args, answer, (time.perf_counter() - began) * 1000, fault)
        if fault is not None and fault.kind == "lost_reply" and answer["ok"]:
            return _cut_off(request)
        if seconds is not None:
            return web.json_response(answer, status=429, headers={"Retry-After": str(seconds)})
        return web.json_response(answer, headers=headers)

    def _answer(self, call: Call, token: str, headers: dict[str, str]) -> Json:
        app = self._workspace.cast.app
        if call.method == "apps.connections.open":
            return self._open_connection(call, token)
        if token == app.app_token:
            raise Refusal("not_allowed_token_type")
        if token != app.bot_token:
            raise Refusal("invalid_auth" if token else "not_authed")
        headers |= {"X-OAuth-Scopes": ",".join(app.scopes), "X-Accepted-OAuth-Scopes": ""}
        method = self._methods.get(call.method)
        if method is None:
            raise Refusal("unknown_method", req_method=call.method)
        if method.scope and method.scope not in app.scopes:
            raise Refusal("missing_scope", needed=method.scope, provided=",".join(app.scopes))
        headers["X-Accepted-OAuth-Scopes"] = method.scope
        self._spend(method, call)
        return method.answer(self._workspace, call)

    def _open_connection(self, call: Call, token: str) -> Json:
        if token == self._workspace.cast.app.bot_token:
            raise Refusal("not_allowed_token_type")
        if token != self._workspace.cast.app.app_token:
            raise Refusal("invalid_auth" if token else "not_authed")
        host = call.origin.replace("http", "ws", 1)
        return {"url": f"{host}/link/?ticket={self._sockets.issue_ticket()}&app_id={self._workspace.cast.app.id}"}

    def _spend(self, method: Method, call: Call) -> None:
        wait = self._workspace.limits.take(method.name, method.tier, call.text("channel") or "")
        if wait is not None:
            raise Refusal("ratelimited", _retry_after=wait)

    async def _meet_fault(self, call: Call, kinds: frozenset[str]) -> Fault | None:
        blocks = call.args.get("blocks") or ""
        text = blocks if isinstance(blocks, str) else json.dumps(blocks)
        fault = self._workspace.faults.take(kinds, call.method, text)
        if fault is None:
            return None
        self._workspace.feed.publish("faults", faults=self._workspace.faults.shown())
        match fault.kind:
            case "429":
                raise Refusal("ratelimited", _retry_after=max(1, round(fault.seconds)), _fault=fault)
            case "invalid_blocks" | "plan_blocks":
                raise Refusal("invalid_blocks", _fault=fault, response_metadata={"messages": ["[ERROR] by a fault"]})
            case "internal_error" | "fatal_error":
                raise Refusal(fault.kind, _fault=fault)
            case "error":
                raise Refusal(fault.error, _fault=fault)
            case "slow":
                await asyncio.sleep(fault.seconds)
        return fault

    def _record(self, name: str, args: Json, answer: Json, ms: float, fault: Fault | None) -> None:
        shown = {key: value for key, value in args.items() if key != "token"}
        note = "" if answer["ok"] else str(answer["error"])
        if answer.get("error") == "unknown_method":
            note = f"unknown_method: the stand-in does not know {name}"
        self._workspace.inspector.add(
            "api",
            name,
            ok=bool(answer["ok"]),
            ms=ms,
            request=_decoded(shown),
            response=answer,
            note=note,
            fault=fault.kind if fault else "",
        )


async def read_arguments(request: web.Request) -> Json:
    """Merge query and body: forms, multipart, or JSON, even an empty body that says JSON. Raises Refusal."""
    args: Json = dict(request.query)
    if request.method == "GET":
        return args
    if request.content_type == "application/json":
        text = await request.text()
        try:
            return args | (parse_json_object(text) if text.strip() else {})
        except ValueError as error:
            raise Refusal("invalid_json") from error
    return args | {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def read_token(request: web.Request, args: Json) -> str:
    """Return the bearer token, from the header or the argument `token`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else str(args.get("token", ""))


def _decoded(args: Json) -> Json:
    return {name: _decode(value) for name, value in args.items()}


def _decode(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def _cut_off(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)
