"""The cluster's state without what differs from run to run, to compare two runs that should have done the same."""

from __future__ import annotations

import re
from typing import Any

from sandbox.cluster.objects.objects import Json, annotations_of, copy_json, name_of, namespace_of
from sandbox.cluster.server.store import Store

_TRANSIENT_KINDS = ("events", "endpoints", "leases.coordination.k8s.io", "controllerrevisions.apps")
_TRANSIENT_METADATA = (
    "uid", "resourceVersion", "creationTimestamp", "ownerReferences", "managedFields", "deletionTimestamp", "selfLink",
)  # fmt: skip
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_HASHES = ("pod-template-hash", "controller-revision-hash", "controller-uid")
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "numberReady", "updatedNumberScheduled")


def canonical_objects(store: Store) -> list[Json]:
    """Return every lasting object without uids, revisions, times, hashes and addresses, in one order.

    Generations stay, for they count effects; a restart stamp becomes "restarted"; generated names lose their suffix.
    """
    shown = [
        _canonical(key, obj) for key in store.kind_keys() if key not in _TRANSIENT_KINDS for obj in store.each(key)
    ]
    return sorted(shown, key=lambda obj: (obj["kind"], obj["metadata"].get("namespace", ""), _order(obj)))


def _order(obj: Json) -> tuple[str, str]:
    return obj["metadata"]["name"], repr(obj)


def _canonical(key: str, obj: Json) -> Json:
    kept: Json = copy_json(obj)
    metadata = kept["metadata"]
    for name in _TRANSIENT_METADATA:
        metadata.pop(name, None)
    metadata["name"] = _stable_name(key, obj)
    kept["status"] = _stable_status(key, obj)
    if key == "pods":
        kept["spec"].pop("nodeName", None)
        kept["spec"].pop("affinity", None)
    _mask(kept)
    return {name: value for name, value in kept.items() if value not in ({}, None)}


def _stable_name(key: str, obj: Json) -> str:
    name = name_of(obj)
    hashed = (obj["metadata"].get("labels") or {}).get("pod-template-hash")
    if hashed:
        return name.replace(f"-{hashed}", "-*").partition("*")[0] + "*"
    if "statefulset.kubernetes.io/pod-name" in (obj["metadata"].get("labels") or {}):
        return name
    generated = obj["metadata"].get("generateName")
    return f"{generated}*" if generated else name


def _stable_status(key: str, obj: Json) -> Json:
    status = obj.get("status") or {}
    kept: Json = {name: status[name] for name in (*_COUNTS, "phase") if name in status}
    if key == "pods":
        rows = status.get("containerStatuses") or ()
        kept["ready"] = {row["name"]: row["ready"] for row in rows}
    return kept


def _mask(value: Any) -> None:
    if isinstance(value, list):
        for member in value:
            _mask(member)
    if not isinstance(value, dict):
        return
    for name in _HASHES:
        value.pop(name, None)
    if _RESTARTED in value:
        value[_RESTARTED] = "restarted"
    for name, member in value.items():
        if isinstance(member, str) and name == "generateName":
            value[name] = re.sub(r"-[a-z0-9]{6,10}-$", "-*-", member)
        else:
            _mask(member)


def restart_count(store: Store, namespace: str, name: str) -> int:
    """Count the restart stamps a Deployment's ReplicaSets carry: how often it was restarted."""
    stamps = {
        annotations_of(one["spec"]["template"]).get(_RESTARTED)
        for one in store.each("replicasets.apps", namespace)
        if namespace_of(one) == namespace and name_of(one).startswith(f"{name}-")
    }
    return len(stamps - {None})
