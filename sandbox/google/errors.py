"""Errors in the shape of Google's APIs."""

from __future__ import annotations

import json

from aiohttp import web

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


class GoogleError(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def error_response(status: int, message: str) -> web.Response:
    """Return google.rpc.Status as JSON."""
    body = {"error": {"code": status, "message": message, "status": NAMES.get(status, "UNKNOWN")}}
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")
