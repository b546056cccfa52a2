"""Lost nodes: what the node lifecycle controller and the pod garbage collector do about them (source: 1.20's)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.controllers.nodes.kubelet import Kubelet
from sandbox.cluster.controllers.nodes.taints import NO_EXECUTE, UNREACHABLE, read_patience
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import (
    Json,
    condition_of,
    is_pod_ready,
    is_terminating,
    name_of,
    namespace_of,
    stamp,
)
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.deletion import DeleteOptions, delete_object
from sandbox.cluster.server.store import Change

# After so long without a word of its kubelet a node counts as lost (--node-monitor-grace-period).
GRACE_SECONDS = 40.0
# The garbage collector looks every 20 s and gives a node that seems gone 40 s more.
COLLECT_SECONDS = 60.0


class NodeLifecycle:
    """Condemns nodes whose kubelet is silent, deletes their pods in time, and collects those of nodes that are gone.

    The pods of a lost node stay Terminating, with their last container statuses: only its kubelet could end them.
    """

    name = "node-lifecycle"
    watches = ("nodes", "pods")

    def __init__(self, api: ApiServer, engine: Engine, kubelet: Kubelet) -> None:
        self._api = api
        self._engine = engine
        self._kubelet = kubelet
        self._gone: dict[str, float] = {}

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.key == "nodes":
            return (("", name_of(change.obj)),)
        node = change.obj["spec"].get("nodeName")
        return (("", node),) if node in self._kubelet.silent and change.type != "DELETED" else ()

    def lose(self, node: str) -> None:
        """Silence a node's kubelet."""
        self._kubelet.silent.setdefault(node, self._api.now())
        self._engine.look_at(self.name, "", node)

    def recover(self, node: str) -> None:
        """Let a silent kubelet speak again."""
        self._kubelet.silent.pop(node, None)
        self._engine.look_at(self.name, "", node)

    def clear(self) -> None:
        """Forget which nodes are silent (before another state is loaded)."""
        self._kubelet.silent.clear()
        self._gone.clear()

    def reconcile(self, namespace: str, name: str) -> None:
        node = self._api.store.find("nodes", "", name)
        if node is None:
            self._collect(name)
        elif name not in self._kubelet.silent:
            self._gone.pop(name, None)
            self._welcome(node)
        elif self._is_due(name, self._kubelet.silent[name] + GRACE_SECONDS):
            self._condemn(node)

    def _is_due(self, node: str, moment: float) -> bool:
        left = moment - self._api.now()
        if left > 1e-6:
            self._engine.look_later(left, self.name, "", node)
        return left <= 1e-6

    def _pods_of(self, node: str) -> list[Json]:
        return [pod for pod in self._api.store.each("pods") if pod["spec"].get("nodeName") == node]

    def _condemn(self, node: Json) -> None:
        now, name = self._api.now(), name_of(node)
        since = self._kubelet.silent[name] + GRACE_SECONDS
        lost = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
        taints = [{"key": UNREACHABLE, "effect": effect, "timeAdded": stamp(since)} for effect in _EFFECTS]
        self._write(node, lost, taints)
        for pod in self._pods_of(name):
            if is_pod_ready(pod):
                self._write_unready(pod, now)
            if is_terminating(pod):
                continue
            patience = read_patience(pod["spec"], taints[-1])
            if patience is not None and self._is_due(name, since + patience):
                self._drop(pod)

    def _drop(self, pod: Json) -> None:
        # What a webhook does not let go stays; the taint manager tries no other way either.
        with suppress(ApiError):
            delete_object(self._api, self._api.resources.by_key("pods"), pod, DeleteOptions())

    def _write_unready(self, pod: Json, now: float) -> None:
        rows = [
            {**row, "status": "False", "lastTransitionTime": stamp(now)} if row["type"] == "Ready" else row
            for row in pod["status"]["conditions"]
        ]
        self._api.set_status("pods", pod, {**pod["status"], "conditions": rows})

    def _welcome(self, node: Json) -> None:
        held = condition_of(node, "Ready")
        if held is None or held["status"] != "Unknown":
            return
        ready = {"status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
        self._write(node, ready, [])
        for pod in self._pods_of(name_of(node)):
            self._engine.look_at(self._kubelet.name, namespace_of(pod), name_of(pod))

    def _write(self, node: Json, ready: Json, taints: list[Json]) -> None:
        rows = [_with(row, ready, self._api.now()) for row in (node.get("status") or {}).get("conditions") or ()]
        others = [row for row in (node.get("spec") or {}).get("taints") or () if row["key"] != UNREACHABLE]
        spec = {key: value for key, value in (node.get("spec") or {}).items() if key != "taints"}
        if others or taints:
            spec["taints"] = [*others, *taints]
        changed = {**node, "spec": spec, "status": {**(node.get("status") or {}), "conditions": rows}}
        self._api.put_if_changed("nodes", node, changed)

    def _collect(self, node: str) -> None:
        pods = self._pods_of(node)
        if not pods or not self._is_due(node, self._gone.setdefault(node, self._api.now()) + COLLECT_SECONDS):
            return
        for pod in pods:
            self._api.store.remove("pods", pod)
        self._kubelet.silent.pop(node, None)


_EFFECTS = ("NoSchedule", NO_EXECUTE)


def _with(row: Json, told: Json, now: float) -> Json:
    if row["type"] != "Ready" or row["status"] == told["status"]:
        return row
    return {**row, **told, "lastTransitionTime": stamp(now)}
