"""Switches over HTTP: a dataclass read with GET and changed with POST, from loopback pages only."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from aiohttp import web

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class WrongSwitch(ValueError):
    """The switch does not exist, or the value is not of its kind."""


def add_switches(app: web.Application, path: str, switches: Any) -> None:
    """Serve a dataclass instance at `path`: GET reads it, POST {"name": value} sets fields, DELETE sets all back."""
    defaults = dataclasses.asdict(switches)

    async def read(request: web.Request) -> web.Response:
        require_loopback(request)
        return web.json_response(dataclasses.asdict(switches))

    async def change(request: web.Request) -> web.Response:
        require_loopback(request)
        try:
            set_switches(switches, json.loads(await request.text()))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(dataclasses.asdict(switches))

    async def reset(request: web.Request) -> web.Response:
        require_loopback(request)
        set_switches(switches, defaults)
        return web.json_response(dataclasses.asdict(switches))

    app.router.add_get(path, read)
    app.router.add_post(path, change)
    app.router.add_delete(path, reset)


def set_switches(switches: Any, wanted: object) -> None:
    """Set the named fields, all of them or none. Raises WrongSwitch naming the first that is wrong."""
    if not isinstance(wanted, dict):
        raise WrongSwitch("send a JSON object of switches")
    kinds = get_type_hints(type(switches))
    for name, value in wanted.items():
        if name not in kinds:
            raise WrongSwitch(f"there is no switch {name!r}; there are {', '.join(sorted(kinds))}")
        if not _fits(value, kinds[name]):
            raise WrongSwitch(f"switch {name!r} does not take {value!r}")
    for name, value in wanted.items():
        setattr(switches, name, value)


def require_loopback(request: web.Request) -> None:
    """Refuse a request whose Host is not loopback: a page elsewhere may have resolved its own name to 127.0.0.1."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    if host not in LOOPBACK_HOSTS:
        raise web.HTTPForbidden(text="the sandbox answers to 127.0.0.1 and localhost only\n")


def _fits(value: object, kind: Any) -> bool:
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if origin is Union:
        return any(_fits(value, member) for member in get_args(kind))
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    wanted = origin or kind
    return isinstance(value, wanted) if isinstance(wanted, type) else True
