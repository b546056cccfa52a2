"""Owners from outside Kubernetes that put what they own back: operators, and tools that keep a cluster as git says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.objects.field_managers import FieldOwner
from sandbox.cluster.objects.objects import Json, copy_json, name_of, namespace_of, stamp
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.store import Change

WORKLOADS = ("deployments.apps", "statefulsets.apps", "daemonsets.apps")
KEPT_KINDS = (*WORKLOADS, "configmaps")


@dataclass(frozen=True)
class Grip:
    """How an owner holds what it owns: its field manager, and after how many seconds it puts a change back."""

    manager: str
    after: float = 0.0


@dataclass(frozen=True)
class _Kept:
    grip: Grip
    wanted: Json


class RevertingOwners:
    """Writes the pod template of a workload, or the data of a ConfigMap, back as it was when it was taken over."""

    name = "reverting-owners"
    watches = KEPT_KINDS

    def __init__(self, api: ApiServer, engine: Engine) -> None:
        self._api = api
        self._engine = engine
        self._kept: dict[tuple[str, str, str], _Kept] = {}
        self._changed_at: dict[tuple[str, str, str], float] = {}

    def take_over(self, key: str, obj: Json, grip: Grip) -> None:
        """Keep an object as it is from now on; its fields are the owner's, as if the owner had written them."""
        self._kept[_place(key, obj)] = _Kept(grip, copy_json(_shape(key, obj)))
        version = self._api.resources.by_key(key).stored_api_version
        # Not its status, which its controllers write.
        before = {
            "metadata": {"managedFields": obj["metadata"].get("managedFields")},
            "status": obj.get("status") or {},
        }
        owned = self._api.fields.track(before, obj, FieldOwner(grip.manager), version, stamp(self._api.now()))
        self._api.put_if_changed(key, obj, owned, manager=None)

    def let_go(self, manager: str) -> None:
        """Keep nothing of this manager's any more."""
        self._kept = {place: kept for place, kept in self._kept.items() if kept.grip.manager != manager}

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        return (
            ((namespace_of(change.obj), name_of(change.obj)),) if _place(change.key, change.obj) in self._kept else ()
        )

    def reconcile(self, namespace: str, name: str) -> None:
        for key in KEPT_KINDS:
            place = (key, namespace, name)
            kept, live = self._kept.get(place), self._api.store.find(key, namespace, name)
            if kept is None or live is None or _shape(key, live) == kept.wanted:
                self._changed_at.pop(place, None)
            else:
                self._put_back(place, live, kept)

    def _put_back(self, place: tuple[str, str, str], live: Json, kept: _Kept) -> None:
        key, namespace, name = place
        since = self._changed_at.setdefault(place, self._api.now())
        left = kept.grip.after - (self._api.now() - since)
        if left > 1e-6:
            self._engine.look_later(left, self.name, namespace, name)
            return
        del self._changed_at[place]
        resource, manager = self._api.resources.by_key(key), FieldOwner(kept.grip.manager)
        put = _reshape(key, live, kept.wanted)
        self._api.update(resource, namespace, name, put, version=resource.stored_version, manager=manager)


def _place(key: str, obj: Json) -> tuple[str, str, str]:
    return key, namespace_of(obj), name_of(obj)


def _shape(key: str, obj: Json) -> Json:
    """The part of an object that an owner keeps."""
    kept: Json = obj["spec"]["template"] if key in WORKLOADS else obj.get("data") or {}
    return kept


def _reshape(key: str, obj: Json, wanted: Json) -> Json:
    if key in WORKLOADS:
        return {**obj, "spec": {**obj["spec"], "template": copy_json(wanted)}}
    return {**obj, "data": copy_json(wanted)}
