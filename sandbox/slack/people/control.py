"""/ui/*: everything a person, a test or the terminal can do and see, as plain HTTP."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.slack.people.acts import Acts, Click
from sandbox.slack.people.view_acts import ViewActs
from sandbox.slack.to_bot.modes import Modes
from sandbox.slack.to_bot.payloads import Payload
from sandbox.slack.values.shapes import ActFault, Json, Refusal, parse_json_object
from sandbox.slack.workspace.faults import KINDS, FaultError
from sandbox.slack.workspace.workspace import Workspace

MOST_WAIT_SECONDS = 60.0
HEARTBEAT_SECONDS = 15.0
PAYLOAD_KINDS = ("slash_commands", "interactive", "events_api")
CLICK_FIELDS = frozenset(Click.__dataclass_fields__)


class Control:
    """The control API. Every POST takes a JSON object; faults of the caller are 400 with a sentence."""

    def __init__(self, workspace: Workspace, acts: Acts, views: ViewActs, modes: Modes) -> None:
        self._workspace = workspace
        self._acts = acts
        self._views = views
        self._modes = modes

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of /ui/*."""
        posts: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "command": self._command,
            "click": self._click,
            "suggest": self._suggest,
            "view-submit": self._submit,
            "view-close": self._close,
            "home": self._home,
            "message": self._say,
            "shortcut": self._shortcut,
            "channel": self._channel,
            "dismiss": self._dismiss,
            "attach": self._attach,
            "payload": self._payload,
            "faults": self._fault,
            "limits": self._limits,
            "mode": self._mode,
        }
        return [
            *(web.post(f"/ui/{name}", _answer(act)) for name, act in posts.items()),
            web.get("/ui/state", self._state),
            web.get("/ui/wait", self._wait),
            web.get("/ui/events", self._events),
            web.get("/ui/log", self._log),
            web.get("/ui/faults", self._faults),
        ]

    def shown(self) -> Json:
        """Return the whole state for the page and for tests."""
        return {**self._workspace.shown(), "bot": self._modes.shown()}

    async def _command(self, body: Json) -> Json:
        return await self._acts.run_command(_text(body, "user"), _text(body, "channel"), _text(body, "text"))

    async def _click(self, body: Json) -> Json:
        user, click = _read_click(body)
        act = self._views.click if click.view_id or click.home else self._acts.click
        return await act(user, click)

    async def _suggest(self, body: Json) -> Json:
        user, click = _read_click(body)
        act = self._views.suggest if click.view_id or click.home else self._acts.suggest
        return await act(user, click)

    async def _submit(self, body: Json) -> Json:
        return await self._views.submit(_text(body, "user"), _text(body, "view_id"), body.get("values") or {})

    async def _close(self, body: Json) -> Json:
        return await self._views.close(_text(body, "user"), _text(body, "view_id"), all_views=bool(body.get("all")))

    async def _home(self, body: Json) -> Json:
        return await self._views.open_home(_text(body, "user"))

    async def _say(self, body: Json) -> Json:
        user, channel, text = _text(body, "user"), _text(body, "channel"), _text(body, "text")
        return await self._acts.say(user, channel, text, body.get("thread_ts"))

    async def _shortcut(self, body: Json) -> Json:
        user, channel, ts = _text(body, "user"), _text(body, "channel"), _text(body, "ts")
        return await self._acts.use_shortcut(user, channel, ts, _text(body, "callback_id"))

    async def _channel(self, body: Json) -> Json:
        """Archive a channel, take the bot out of it, and both back."""
        given = {name: body[name] for name in ("archived", "has_bot") if name in body}
        if not given or not all(isinstance(value, bool) for value in given.values()):
            raise ActFault("send {channel} with archived or has_bot, each true or false")
        room = self._workspace.messages.switch(_text(body, "channel"), **given)
        return {"ok": True, "channel": room.id, "archived": room.archived, "has_bot": room.has_bot}

    async def _dismiss(self, body: Json) -> Json:
        return {"ok": self._workspace.messages.dismiss(_text(body, "user"), _text(body, "ts"))}

    async def _attach(self, body: Json) -> Json:
        try:
            content = base64.b64decode(_text(body, "content_base64"), validate=True)
        except binascii.Error as error:
            raise ActFault("content_base64 is not base64") from error
        stored = self._workspace.files.attach(_text(body, "user"), _text(body, "name"), content)
        return {"ok": True, "file": self._workspace.files.shown(stored, self._workspace.origin)}

    async def _payload(self, body: Json) -> Json:
        kind = body.get("kind")
        if kind not in PAYLOAD_KINDS or not isinstance(body.get("payload"), dict):
            raise ActFault(f"send {{kind, payload}} with kind one of {', '.join(PAYLOAD_KINDS)}")
        return await self._acts.send_raw(Payload(kind, body["payload"], kind != "events_api"))

    async def _fault(self, body: Json) -> Json:
        if body.get("kind") == "clear":
            self._workspace.faults.clear()
        else:
            await self._modes.apply_fault(self._workspace.faults.switch_on(body))
        shown = self._workspace.faults.shown()
        self._workspace.feed.publish("faults", faults=shown)
        return {"ok": True, "faults": shown}

    async def _limits(self, body: Json) -> Json:
        if not isinstance(body.get("enabled"), bool):
            raise ActFault("send {enabled: true} or {enabled: false}")
        self._workspace.limits.enabled = body["enabled"]
        self._workspace.feed.publish("limits", enabled=body["enabled"])
        return {"ok": True, "enabled": body["enabled"]}

    async def _mode(self, body: Json) -> Json:
        return await self._modes.switch(str(body.get("mode")), str(body.get("url") or ""))

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self.shown())

    async def _faults(self, request: web.Request) -> web.Response:
        return web.json_response({"faults": self._workspace.faults.shown(), "kinds": KINDS})

    async def _log(self, request: web.Request) -> web.Response:
        after = _number(request, "after", 0)
        return web.json_response({"entries": self._workspace.inspector.entries(int(after))})

    async def _wait(self, request: web.Request) -> web.Response:
        after = int(_number(request, "after", self._workspace.feed.seq))
        seconds = min(MOST_WAIT_SECONDS, _number(request, "timeout", 10.0))
        events = await self._workspace.feed.wait(after, seconds, _kinds(request))
        latest = events[-1]["seq"] if events else self._workspace.feed.seq
        return web.json_response({"seq": latest, "events": events})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        after = request.headers.get("Last-Event-ID") or request.query.get("after") or str(self._workspace.feed.seq)
        if not after.isdigit():
            raise web.HTTPBadRequest(text="after is an event's number")
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        async for batch in self._workspace.feed.follow(int(after), HEARTBEAT_SECONDS):
            lines = "".join(f"id: {event['seq']}\ndata: {json.dumps(event)}\n\n" for event in batch)
            try:
                await stream.write((lines or ": alive\n\n").encode())
            except ConnectionError:
                break
        return stream


def _answer(act: Callable[[Json], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await act(parse_json_object(await request.text())))
        except Refusal as refusal:
            messages = refusal.details.get("response_metadata", {}).get("messages", [])
            return _refused(" ".join([refusal.code, *messages]))
        except (ActFault, FaultError) as fault:
            return _refused(str(fault))
        except ValueError as error:
            return _refused(f"the body is not readable: {error}")

    return answer


def _refused(sentence: str) -> web.Response:
    return web.json_response({"ok": False, "error": sentence}, status=400)


def _read_click(body: Json) -> tuple[str, Click]:
    fields = {name: value for name, value in body.items() if name != "user" and value is not None}
    if unknown := sorted(set(fields) - CLICK_FIELDS):
        raise ActFault(f"a click has no field {', '.join(unknown)}")
    _text(body, "action_id")
    return _text(body, "user"), Click(**fields)


def _text(body: Json, name: str) -> str:
    value: Any = body.get(name)
    if not isinstance(value, str) or not value:
        raise ActFault(f"{name} is missing")
    return value


def _number(request: web.Request, name: str, default: float) -> float:
    try:
        return float(request.query.get(name, default))
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{name} is a number") from error


def _kinds(request: web.Request) -> frozenset[str]:
    return frozenset(filter(None, request.query.get("kinds", "").split(",")))
