"""The sandbox's own switchboard: the bot, the clock, and the switches of Google and of the release server."""

from __future__ import annotations

import json
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from sandbox.bot.child import BotChild
from sandbox.clock import SimulatedClock
from sandbox.google.metadata import MetadataSwitches
from sandbox.google.switches import GoogleSwitches
from sandbox.release.switches import ReleaseSwitches
from sandbox.web.switchboard import add_switches, require_loopback

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

Switches = Mapping[str, GoogleSwitches | MetadataSwitches | ReleaseSwitches]

ACTIONS = ("kill", "stop", "start", "restart")


def control_site(bot: BotChild, clock: SimulatedClock, switches: Switches) -> web.Application:
    """Return the site: `/control`, and below it `bot`, `clock` and each of the dataclasses of switches by its name."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        require_loopback(request)
        try:
            return await handler(request)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    async def show_bot(request: web.Request) -> web.Response:
        return web.json_response({"pid": bot.pid, "starts": bot.starts, "actions": ACTIONS})

    async def act_on_bot(request: web.Request) -> web.Response:
        action = _text(await _body(request), "action", ACTIONS)
        done = await _act(bot, action)
        return web.json_response({"done": done, "pid": bot.pid, "starts": bot.starts})

    async def show_clock(request: web.Request) -> web.Response:
        return web.json_response({"speed": clock.speed, "now": clock.now()})

    async def set_clock(request: web.Request) -> web.Response:
        clock.set_speed(_number(await _body(request), "speed"))
        return await show_clock(request)

    async def index(request: web.Request) -> web.Response:
        return web.json_response(
            {"paths": sorted({route.resource.canonical for route in app.router.routes() if route.resource})}
        )

    app = web.Application(middlewares=[guard])
    app.router.add_get("/control", index)
    app.router.add_get("/control/bot", show_bot)
    app.router.add_post("/control/bot", act_on_bot)
    app.router.add_get("/control/clock", show_clock)
    app.router.add_post("/control/clock", set_clock)
    for name, switched in switches.items():
        add_switches(app, f"/control/{name}", switched)
    return app


async def _act(bot: BotChild, action: str) -> bool:
    match action:
        case "kill":
            return bot.kill(signal.SIGKILL)
        case "stop":
            await bot.stop()
        case "start":
            bot.allow()
        case _:
            await bot.stop()
            bot.allow()
    return True


async def _body(request: web.Request) -> Json:
    body = json.loads(await request.text() or "{}")
    if not isinstance(body, dict):
        raise ValueError("send a JSON object")
    return body


def _text(body: Json, name: str, choices: tuple[str, ...]) -> str:
    value = body.get(name)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def _number(body: Json, name: str) -> float:
    value = body.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} must be a number, not {value!r}")
    return float(value)
