"""Event objects: what controllers say about what they do."""

from __future__ import annotations

import itertools
from collections import deque

from sandbox.cluster.objects.objects import Json, name_of, namespace_of, stamp, uid_of
from sandbox.cluster.server.apiserver import ApiServer

EVENTS_KEPT = 4000


class Recorder:
    """Writes Events, counting repetitions up instead of writing new ones, and forgets the oldest."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._known: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._order: deque[tuple[str, str, str]] = deque()
        self._numbers = itertools.count()

    def warn(self, obj: Json, reason: str, message: str, component: str) -> None:
        """Record a Warning."""
        self._record(obj, "Warning", reason, message, component)

    def note(self, obj: Json, reason: str, message: str, component: str) -> None:
        """Record a Normal event."""
        self._record(obj, "Normal", reason, message, component)

    def _record(self, obj: Json, kind: str, reason: str, message: str, component: str) -> None:
        at = stamp(self._api.now())
        same = (uid_of(obj), reason, message)
        known = self._known.get(same)
        before = self._api.store.find("events", *known) if known else None
        if before is not None:
            self._api.store.put("events", {**before, "count": before["count"] + 1, "lastTimestamp": at})
            return
        event = _event(obj, kind, reason, message, component, at)
        event["metadata"]["name"] = self._name(obj)
        namespace = self._api.store.find("namespaces", "", namespace_of(event))
        if namespace is None or "deletionTimestamp" in namespace["metadata"]:
            return
        made = self._api.keep_event(event)
        self._known[same] = (namespace_of(made), name_of(made))
        self._order.append(same)
        if len(self._order) > EVENTS_KEPT:
            self._forget(self._order.popleft())

    def _name(self, obj: Json) -> str:
        """Return a name as client-go makes it, of the nanosecond; here many events share one, hence the number."""
        while True:
            name = f"{name_of(obj)}.{int(self._api.now() * 1e9) + next(self._numbers):x}"
            if self._api.store.find("events", namespace_of(obj) or "default", name) is None:
                return name

    def _forget(self, same: tuple[str, str, str]) -> None:
        place = self._known.pop(same, None)
        old = self._api.store.find("events", *place) if place else None
        if old is not None:
            self._api.store.remove("events", old)


def _event(obj: Json, kind: str, reason: str, message: str, component: str, at: str) -> Json:
    namespace = namespace_of(obj) or "default"
    involved = {
        "kind": obj["kind"], "apiVersion": obj["apiVersion"], "name": name_of(obj), "uid": uid_of(obj),
        "resourceVersion": obj["metadata"].get("resourceVersion", ""),
    }  # fmt: skip
    if namespace_of(obj):
        involved["namespace"] = namespace
    return {
        "metadata": {"namespace": namespace},
        "involvedObject": involved, "type": kind, "reason": reason, "message": message, "count": 1,
        "source": {"component": component}, "firstTimestamp": at, "lastTimestamp": at,
        "reportingComponent": "", "reportingInstance": "",
    }  # fmt: skip
