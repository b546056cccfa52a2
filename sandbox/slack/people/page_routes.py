"""The page's files, read from the package."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

KINDS = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "json": "application/json",
    "svg": "image/svg+xml",
}


def page_routes() -> list[web.RouteDef]:
    """Return the routes of the page: the shell at / and at message links, its parts below /page/."""
    return [
        web.get("/", _serve_shell),
        web.get("/archives/{channel}/{ts}", _serve_shell),
        web.get("/favicon.ico", _serve_icon),
        web.get("/page/{name:[a-z_/]+\\.[a-z]+}", _serve_part),
    ]


async def _serve_shell(request: web.Request) -> web.Response:
    return _give(_page() / "index.html", "html")


async def _serve_icon(request: web.Request) -> web.Response:
    return _give(_page() / "icon.svg", "svg")


async def _serve_part(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    part = _page().joinpath(*name.split("/"))
    suffix = name.rpartition(".")[2]
    if suffix not in KINDS or not part.is_file():
        raise web.HTTPNotFound(text=f"The page has no part {name}.")
    return _give(part, suffix)


def _page() -> Traversable:
    return files("sandbox.slack") / "page"


def _give(part: Traversable, suffix: str) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=part.read_bytes(), content_type=KINDS[suffix], charset="utf-8", headers=headers)
