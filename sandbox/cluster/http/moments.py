"""Times for a person's kubectl, which reckons ages by its machine's clock: the cluster's may be far ahead of it.

Each time in an answer is moved by as much as the cluster's clock leads, so ages are the cluster's own; what kubectl
writes is moved back. Programs, the bot among them, read and write the cluster's times.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Any

from sandbox.cluster.objects.objects import stamp

_MOMENTS = frozenset({
    "acquireTime", "completionTime", "creationTimestamp", "deletionTimestamp", "eventTime", "finishedAt",
    "firstTimestamp", "lastHeartbeatTime", "lastObservedTime", "lastProbeTime", "lastScaleTime", "lastScheduleTime",
    "lastSuccessfulTime", "lastTimestamp", "lastTransitionTime", "lastUpdateTime", "renewTime", "startTime",
    "startedAt", "time", "timeAdded",
})  # fmt: skip
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# People's own texts: what looks like a time in them is theirs.
_TEXTS = frozenset({"annotations", "labels", "data", "binaryData", "stringData", "fieldsV1"})


def show_moments(body: Any, lead: float) -> Any:
    """Return an answer's body by the reader's clock, which the cluster's leads; nothing past comes to lie ahead."""
    return _moved(body, -math.ceil(lead))


def read_moments(body: Any, lead: float) -> Any:
    """Return a request's body by the cluster's clock."""
    return _moved(body, math.ceil(lead))


def _moved(value: Any, by: int) -> Any:
    if isinstance(value, list):
        return [_moved(member, by) for member in value]
    if isinstance(value, dict):
        return {name: member if name in _TEXTS else _moved_field(name, member, by) for name, member in value.items()}
    return value


def _moved_field(name: str, member: Any, by: int) -> Any:
    if name == "cells":
        return [_moved_text(cell, by) for cell in member]
    return _moved_text(member, by) if name in _MOMENTS and isinstance(member, str) else _moved(member, by)


def _moved_text(text: Any, by: int) -> Any:
    """A time in its own precision; anything else as it is, as the cells of a table are of many kinds."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return text
    moved = datetime.fromisoformat(text) + timedelta(seconds=by)
    return moved.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if "." in text else stamp(moved.timestamp())
