"""Saving the cluster and loading it again."""

from __future__ import annotations

import logging

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.server.store import Change
from sandbox.cluster.simulation import Simulation

FORMAT = 1
log = logging.getLogger(__name__)


def take_snapshot(cluster: Simulation) -> Json:
    """Return every object and the revision; objects are shared, not copied."""
    store = cluster.store
    return {
        "format": FORMAT,
        "server_version": cluster.server_version,
        "revision": store.revision,
        "objects": {key: list(store.each(key)) for key in store.kind_keys()},
    }


def load_snapshot(cluster: Simulation, snapshot: Json) -> None:
    """Replace the cluster's objects. Open watches are told that they are too old. Raises ValueError."""
    if snapshot.get("format") != FORMAT:
        raise ValueError(f"the snapshot has format {snapshot.get('format')!r}; this sandbox reads {FORMAT}")
    cluster.engine.reset()
    cluster.loops.scheduler.clear()
    cluster.loops.kubelet.forget_plans()
    cluster.loops.nodes.clear()
    cluster.store.clear(int(snapshot["revision"]) + 1)
    changes = []
    for key, objects in snapshot["objects"].items():
        for obj in objects:
            if not _is_readable(obj):
                log.warning("an object of %s is left out of the restored cluster: its metadata can't be read", key)
                continue
            cluster.store.load(key, obj)
            changes.append(Change(cluster.store.revision, "ADDED", key, obj, None))
    cluster.choose_account_rules()
    cluster.api.follow_definitions()
    cluster.engine.look_at_everything(changes)
    cluster.bell.ring_all()


def _is_readable(obj: Json) -> bool:
    metadata = obj["metadata"]
    owners = metadata.get("ownerReferences") or []
    maps = [metadata.get(name) or {} for name in ("labels", "annotations")]
    return isinstance(owners, list) and all(isinstance(one, dict) for one in [*owners, *maps])
