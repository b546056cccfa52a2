"""What GKE does with a node pool: upgrades its nodes one after the other, and adds nodes while pods find no room."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import (
    Json,
    condition_of,
    controller_of,
    copy_json,
    is_pod_finished,
    is_terminating,
    name_of,
)
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.evictions import evict_pod
from sandbox.cluster.server.store import Change

# An eviction that a budget refuses is tried again after so long, as kubectl drain does.
DRAIN_RETRY = 5.0
BOOT_SECONDS = 30.0
_UPGRADE, _GROW = "upgrade", "grow"


class NodePool:
    """The one pool of the cluster. An upgrade adds a new node, drains an old one, removes it and takes the next."""

    name = "node-pool"
    watches = ("pods",)

    def __init__(self, api: ApiServer, engine: Engine) -> None:
        self._api = api
        self._engine = engine
        self._old: list[str] = []
        self._booted: float | None = None
        self._wanted_since: float | None = None
        self._grow_after: float | None = None
        self._most = 0

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.type == "DELETED" or self._grow_after is None:
            return ()
        return (("", _GROW),) if _is_homeless(change.obj) else ()

    def autoscale(self, after: float | None, most: int = 0) -> None:
        """Add a node so long after a pod found no room, up to so many nodes; None ends that."""
        self._grow_after, self._most = after, most
        self._engine.look_at(self.name, "", _GROW)

    def start_upgrade(self) -> None:
        """Replace every node that there is now, by name."""
        self._old = sorted(name_of(node) for node in self._api.store.each("nodes"))
        self._booted = None
        self._engine.look_at(self.name, "", _UPGRADE)

    def stop_upgrade(self) -> None:
        """Leave the nodes that are not upgraded yet, schedulable as before."""
        if self._old:
            self._cordon(self._old[0], cordoned=False)
        self._old = []

    def reconcile(self, namespace: str, name: str) -> None:
        if name == _UPGRADE and self._old:
            self._upgrade(self._old[0])
        elif name != _UPGRADE:
            self._grow()

    def _upgrade(self, old: str) -> None:
        if self._booted is None:
            self._booted = self._api.now() + BOOT_SECONDS
        if self._is_early(self._booted, _UPGRADE):
            return
        node = self._cordon(old, cordoned=True)
        if node is not None and self._drain(old):
            self._engine.look_later(DRAIN_RETRY, self.name, "", _UPGRADE)
            return
        if node is not None:
            self._api.store.remove("nodes", node)
        self._old.pop(0)
        self._booted = None
        self._engine.look_at(self.name, "", _UPGRADE)

    def _cordon(self, name: str, *, cordoned: bool) -> Json | None:
        """Make a node unschedulable; a node that is cordoned for the first time gets its successor first."""
        node = self._api.store.find("nodes", "", name)
        if node is None or bool((node.get("spec") or {}).get("unschedulable")) == cordoned:
            return node
        if cordoned:
            self._add_like(node)
        spec = {key: value for key, value in (node.get("spec") or {}).items() if key != "unschedulable"}
        if cordoned:
            spec["unschedulable"] = True
        return self._api.put_if_changed("nodes", node, {**node, "spec": spec})

    def _drain(self, node: str) -> bool:
        """Evict what is on a node, DaemonSets' pods excepted; tell whether anything is left."""
        left = [pod for pod in self._api.store.each("pods") if pod["spec"].get("nodeName") == node and _drains(pod)]
        for pod in left:
            if not is_terminating(pod):
                try:
                    evict_pod(self._api, pod, {}, dry_run=False)
                except ApiError:
                    continue
        return bool(left)

    def _grow(self) -> None:
        if self._grow_after is None or not any(_is_homeless(pod) for pod in self._api.store.each("pods")):
            self._wanted_since = None
            return
        if self._wanted_since is None:
            self._wanted_since = self._api.now()
        nodes = list(self._api.store.each("nodes"))
        if len(nodes) >= self._most or self._is_early(self._wanted_since + self._grow_after, _GROW):
            return
        self._wanted_since = None
        self._add_like(nodes[0])
        self._engine.look_later(1.0, self.name, "", _GROW)

    def _add_like(self, node: Json) -> None:
        taken = {name_of(one) for one in self._api.store.each("nodes")}
        stem = name_of(node).partition(".")[0]
        name = next(f"{stem}.{number}" for number in range(1, len(taken) + 2) if f"{stem}.{number}" not in taken)
        labels = {**copy_json(node["metadata"].get("labels") or {}), "kubernetes.io/hostname": name}
        metadata = {"name": name, "labels": labels}
        made = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": copy_json(node["status"])}
        self._api.create(self._api.resources.by_key("nodes"), "", made)

    def _is_early(self, moment: float, name: str) -> bool:
        left = moment - self._api.now()
        if left > 1e-6:
            self._engine.look_later(left, self.name, "", name)
        return left > 1e-6


def _is_homeless(pod: Json) -> bool:
    placed = condition_of(pod, "PodScheduled")
    return bool(placed and placed["status"] == "False" and not is_terminating(pod))


def _drains(pod: Json) -> bool:
    owner = controller_of(pod)
    return not is_pod_finished(pod) and (owner is None or owner["kind"] != "DaemonSet")
