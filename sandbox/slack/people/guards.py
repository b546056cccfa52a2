"""Guards of the control API and the page: loopback hosts only, JSON only, no foreign pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS = ("/api/", "/link/", "/response/", "/upload/", "/files-pri/")
POLICY = (
    "default-src 'self'; img-src 'self' data: https:; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


@web.middleware
async def guard_person(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests that a page of another site could have made, by its host name (DNS rebinding) or its origin."""
    if not request.path.startswith(OPEN_PATHS):
        _check_host(request)
        _check_origin(request)
        if request.method == "POST" and request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="Send application/json.")
    answer = await handler(request)
    if not answer.prepared:
        answer.headers.setdefault("Content-Security-Policy", POLICY)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    return answer


def _check_host(request: web.Request) -> None:
    host = urlsplit(f"//{request.host}").hostname or ""
    if host not in LOOPBACK_NAMES:
        raise web.HTTPForbidden(text=f"The sandbox answers on 127.0.0.1 and localhost, not as {host}.")


def _check_origin(request: web.Request) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and (urlsplit(origin).hostname or "") not in LOOPBACK_NAMES:
        raise web.HTTPForbidden(text="Requests from other sites' pages are refused.")
