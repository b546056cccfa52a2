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


def refuse(review: Json, why: str) -> web.Response:
    """Refuse the object."""
    return _response(review, {"uid": review["request"]["uid"], "allowed": False, "status": {"message": why}})


def put(path: str, value: Any) -> Json:
    """A step of a JSON patch that sets a field of an object, there or not."""
    return {"op": "add", "path": path, "value": value}


def _response(review: Json, answer: Json) -> web.Response:
    return web.json_response({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": answer})
