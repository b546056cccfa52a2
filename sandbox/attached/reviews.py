"""Admission reviews: what a webhook is asked and what it answers."""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

Json = dict[str, Any]


def allow(review: Json, patch: list[Json] | None = None) -> web.Response:
    """Let the object pass, changed by a JSON patch where there is one."""
    answer: Json = {"uid": review["request"]["uid"], "allowed": True}
    if patch:
        answer |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
    return _response(review, answer)


def refuse(review: Json, why: str, code: int = 400) -> web.Response:
    """Refuse the object; the server answers 400 where a webhook names no code."""
    status: Json = {"message": why, "code": code, **({"reason": "Forbidden"} if code == 403 else {})}
    return _response(review, {"uid": review["request"]["uid"], "allowed": False, "status": status})


def put(path: str, value: Any) -> Json:
    """A step of a JSON patch that sets a field of an object, there or not."""
    return {"op": "add", "path": path, "value": value}


def _response(review: Json, answer: Json) -> web.Response:
    return web.json_response({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": answer})
