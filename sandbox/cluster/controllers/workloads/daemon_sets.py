"""DaemonSets: one pod on each node that fits; rolling within maxUnavailable, or only on deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sandbox.cluster.controllers.nodes.scheduler import pinned_node
from sandbox.cluster.controllers.nodes.taints import KEEPING_OUT, NO_EXECUTE, find_untolerated
from sandbox.cluster.controllers.workloads.replicas import PodMaker, concerned, itself, template_pod
from sandbox.cluster.controllers.workloads.revisions import REVISION_LABEL, current_revision, pod_revision
from sandbox.cluster.objects.objects import (
    Json,
    int_or_percent,
    is_pod_active,
    is_pod_finished,
    is_pod_ready,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    oldest_first,
    uid_of,
)
from sandbox.cluster.server.store import Change, Store

_KEY = "daemonsets.apps"
_COMPONENT = "daemonset-controller"
_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"), ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"), ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"), ("node.kubernetes.io/unschedulable", "NoSchedule"),
)  # fmt: skip


# An ordered set of names.
Nodes = dict[str, None]
ByNode = dict[str, list[Json]]


class _Placed:
    """An owner's pods by their node, sorted anew only once something was written."""

    def __init__(self, sort: Callable[[Json], ByNode], store: Store, owner: Json) -> None:
        self._sort = sort
        self._store = store
        self._owner = owner
        self._revision = -1
        self._found: ByNode = {}

    def read(self) -> ByNode:
        if self._revision != self._store.revision:
            self._revision, self._found = self._store.revision, self._sort(self._owner)
        return self._found


class DaemonSets:
    """The DaemonSet controller."""

    name = _COMPONENT
    watches = (_KEY, "pods", "nodes")

    def __init__(self, maker: PodMaker) -> None:
        self._maker = maker
        # By owner: its pods' spec, and the nodes sorted for it, until one of them changes.
        self._sorted: dict[str, tuple[Json, Nodes, Nodes]] = {}

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.key == "nodes":
            self._sorted.clear()
            if change.before is not None and change.type == "MODIFIED" and _room(change.before) == _room(change.obj):
                return ()
            return tuple((namespace_of(owner), name_of(owner)) for owner in self._maker.api.store.each(_KEY))
        return concerned(self._maker, change, _KEY, "DaemonSet") if change.key == "pods" else itself(change)

    def reconcile(self, namespace: str, name: str) -> None:
        owner = self._maker.api.store.find(_KEY, namespace, name)
        if owner is None or is_terminating(owner):
            return
        self._maker.claims.settle(owner)
        revision = labels_of(current_revision(self._maker.api, owner))[REVISION_LABEL]
        nodes, staying = self._sort_nodes(owner)
        placed = _Placed(self._by_node, self._maker.api.store, owner)
        rolls = owner["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        if self._match(owner, nodes, staying, revision, placed.read()) and rolls:
            self._roll(owner, nodes, revision, placed.read())
        self._report(namespace, name, nodes, revision, placed.read())

    def _sort_nodes(self, owner: Json) -> tuple[Nodes, Nodes]:
        """Return the nodes that should have a pod, and those where one may stay only because it is there."""
        spec = owner["spec"]["template"]["spec"]
        known = self._sorted.get(uid_of(owner))
        if known is None or known[0] is not spec:
            known = self._sorted[uid_of(owner)] = spec, *self._sort_anew(spec)
        return known[1], known[2]

    def _sort_anew(self, spec: Json) -> tuple[Nodes, Nodes]:
        wanted, borne = (spec.get("nodeSelector") or {}).items(), {"tolerations": _tolerate(spec)}
        nodes: Nodes = {}
        staying: Nodes = {}
        for node in self._maker.api.store.each("nodes"):
            if wanted <= labels_of(node).items():
                if find_untolerated(node, borne, KEEPING_OUT) is None:
                    nodes[name_of(node)] = None
                elif find_untolerated(node, borne, (NO_EXECUTE,)) is None:
                    staying[name_of(node)] = None
        return nodes, staying

    def _by_node(self, owner: Json) -> ByNode:
        placed: ByNode = {}
        for pod in oldest_first(self._maker.pods_of(owner)):
            node = pod["spec"].get("nodeName") or pinned_node(pod["spec"]) or ""
            placed.setdefault(node, []).append(pod)
        return placed

    def _match(self, owner: Json, nodes: Nodes, staying: Nodes, revision: str, placed: ByNode) -> bool:
        complete = True
        for node, pods in placed.items():
            misplaced = node not in nodes and node not in staying
            # Of two on one node, as after an adoption, the older stays.
            surplus = [pod for pod in pods if is_pod_active(pod)][1:] if len(pods) > 1 else []
            for pod in pods:
                if not is_terminating(pod) and (misplaced or is_pod_finished(pod) or pod in surplus):
                    self._maker.drop(self.name, owner, pod, _COMPONENT)
        for node in nodes:
            # The successor is made when the old pod is gone: both may want the same host port.
            if not placed.get(node):
                complete = self._make(owner, node, revision) and complete
        return complete

    def _make(self, owner: Json, node: str, revision: str) -> bool:
        pod = template_pod(owner["spec"]["template"], {REVISION_LABEL: revision}, generateName=f"{name_of(owner)}-")
        fields = [{"key": "metadata.name", "operator": "In", "values": [node]}]
        required = {"nodeSelectorTerms": [{"matchFields": fields}]}
        pod["spec"]["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
        pod["spec"]["tolerations"] = _tolerate(pod["spec"])
        return self._maker.make(self.name, owner, pod, _COMPONENT) is None

    def _roll(self, owner: Json, nodes: Nodes, revision: str, placed: ByNode) -> None:
        limit = owner["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"]
        most = max(int_or_percent(limit, len(nodes), round_up=True), 1)
        pods = [placed[node][-1] for node in nodes if placed.get(node)]
        available = self._maker.available(self.name, owner, [pod for pod in pods if not is_terminating(pod)])
        spare = most - (len(nodes) - len(available))
        last = [here[-1] for here in placed.values()]
        old = [pod for pod in last if pod_revision(pod) != revision and not is_terminating(pod)]
        served = {name_of(pod) for pod in available}
        for pod in old:
            if name_of(pod) not in served:
                self._maker.drop(self.name, owner, pod, _COMPONENT)
            elif spare > 0:
                self._maker.drop(self.name, owner, pod, _COMPONENT)
                spare -= 1

    def _report(self, namespace: str, name: str, nodes: Nodes, revision: str, placed: ByNode) -> None:
        owner = self._maker.api.store.find(_KEY, namespace, name)
        if owner is None:
            return
        pods = [placed[node][0] for node in nodes if placed.get(node)]
        living = [pod for pod in pods if not is_terminating(pod)]
        available = len(self._maker.available(self.name, owner, living))
        status: Json = {
            "currentNumberScheduled": len(pods), "desiredNumberScheduled": len(nodes),
            "numberMisscheduled": sum(len(here) for node, here in placed.items() if node not in nodes),
            "numberReady": sum(1 for pod in living if is_pod_ready(pod)),
            "observedGeneration": owner["metadata"]["generation"],
        }  # fmt: skip
        counts = {
            "updatedNumberScheduled": sum(1 for pod in pods if pod_revision(pod) == revision),
            "numberAvailable": available,
            "numberUnavailable": len(nodes) - available,
        }
        status |= {name: count for name, count in counts.items() if count}
        self._maker.api.set_status(_KEY, owner, status)


def _tolerate(spec: Json) -> list[Json]:
    own = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in _TOLERATED]
    return [*(spec.get("tolerations") or ()), *own]


def _room(node: Json) -> tuple[object, ...]:
    return labels_of(node), (node.get("spec") or {}).get("taints")
