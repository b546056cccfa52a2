"""Which pods are a controller's own: it adopts those that its selector finds, and releases those it no longer does."""

from __future__ import annotations

import re

from sandbox.cluster.objects.objects import (
    Json,
    controller_of,
    copy_json,
    is_pod_active,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from sandbox.cluster.objects.selectors import match_label_selector
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.store import Change

Place = tuple[str, str]


class Claims:
    """Keeps the pods that nobody controls, and settles whose they are (source: ControllerRefManager.ClaimPods)."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._orphans: dict[Place, None] = {}
        # By the uid of an owner whose pods were all found by its selector, and none was changed since: that selector.
        self._settled: dict[str, Json] = {}

    def find_takers(self, change: Change, key: str) -> tuple[Place, ...]:
        """Name the owners of a kind that would adopt the changed pod; every change of a pod must come by here."""
        place = (namespace_of(change.obj), name_of(change.obj))
        self._unsettle(change)
        if change.type == "DELETED" or controller_of(change.obj) is not None or not is_pod_active(change.obj):
            self._orphans.pop(place, None)
            return ()
        self._orphans[place] = None
        owners = self._api.store.each(key, place[0])
        return tuple((place[0], name_of(owner)) for owner in owners if _may_have(owner, change.obj))

    def settle(self, owner: Json) -> None:
        """Release what an owner's selector no longer finds, and adopt what it finds and nobody controls."""
        if is_terminating(owner):
            return
        selector = owner["spec"].get("selector")
        if selector is None or self._settled.get(uid_of(owner)) is not selector:
            self._release(owner)
            self._settled[uid_of(owner)] = selector
        for namespace, name in list(self._orphans):
            pod_found = self._api.store.find("pods", namespace, name) if namespace == namespace_of(owner) else None
            if pod_found is not None and controller_of(pod_found) is None and _may_have(owner, pod_found):
                self._set_owners(
                    pod_found, [*(pod_found["metadata"].get("ownerReferences") or ()), owner_reference(owner)]
                )

    def _unsettle(self, change: Change) -> None:
        """A pod that is new to its owner, or that has other labels than before, may be none of its own."""
        owner = None if change.type == "DELETED" else controller_of(change.obj)
        if owner is not None and (change.before is None or _marks(change.before) != _marks(change.obj)):
            self._settled.pop(owner["uid"], None)

    def _release(self, owner: Json) -> None:
        for pod in self._api.store.controlled_by(uid_of(owner), "pods"):
            if not _selects(owner, pod):
                self._set_owners(pod, [row for row in pod["metadata"]["ownerReferences"] if not row.get("controller")])

    def _set_owners(self, pod: Json, owners: list[Json]) -> None:
        metadata = {**pod["metadata"], "ownerReferences": copy_json(owners)}
        if not owners:
            del metadata["ownerReferences"]
        self._api.store.put("pods", {**pod, "metadata": metadata})


def _marks(pod: Json) -> tuple[object, object]:
    return pod["metadata"].get("labels"), pod["metadata"].get("ownerReferences")


def _selects(owner: Json, pod: Json) -> bool:
    selector = owner["spec"].get("selector")
    if owner["kind"] == "ReplicationController":
        selector = {"matchLabels": selector or {}}
    return match_label_selector(selector, labels_of(pod))


def _may_have(owner: Json, pod: Json) -> bool:
    if is_terminating(owner) or not is_pod_active(pod) or not _selects(owner, pod):
        return False
    return owner["kind"] != "StatefulSet" or re.fullmatch(rf"{re.escape(name_of(owner))}-\d+", name_of(pod)) is not None
