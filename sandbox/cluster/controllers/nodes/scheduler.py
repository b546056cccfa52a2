"""The scheduler: binds pods to nodes with room, and says when none has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.controllers.nodes.neighbours import Neighbours
from sandbox.cluster.controllers.nodes.pod_status import scheduled_condition, unschedulable_condition
from sandbox.cluster.controllers.nodes.taints import KEEPING_OUT, find_untolerated
from sandbox.cluster.objects.objects import (
    Json,
    digest,
    is_pod_finished,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
)
from sandbox.cluster.objects.quantities import parse_quantity, requests_of
from sandbox.cluster.objects.selectors import match_node_terms
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.events import Recorder
from sandbox.cluster.server.store import Change

Amounts = dict[str, float]
Place = tuple[str, str]


class NodeRoom:
    """What the pods bound to each node ask for, kept up to date with every change of a pod."""

    def __init__(self) -> None:
        self._used: dict[str, Amounts] = defaultdict(lambda: defaultdict(float))

    def follow(self, change: Change) -> None:
        """Count a pod's change."""
        before = _bound_node(change.before)
        after = None if change.type == "DELETED" else _bound_node(change.obj)
        if before == after:
            return
        if before is not None and change.before is not None:
            self._add(before, change.before, -1.0)
        if after is not None:
            self._add(after, change.obj, 1.0)

    def clear(self) -> None:
        """Forget all pods."""
        self._used.clear()

    def lacking(self, node: Json, asked: Mapping[str, float]) -> list[str]:
        """Name the resources that the node has too little of; what asks for none at all only counts (1.20's fit.go)."""
        allocatable = (node.get("status") or {}).get("allocatable") or {}
        used = self._used[name_of(node)]
        short = []
        for resource, amount in {**(asked if any(asked.values()) else {}), "pods": 1.0}.items():
            if used[resource] + amount > parse_quantity(allocatable.get(resource, 0)) + 1e-9:
                short.append("Too many pods" if resource == "pods" else f"Insufficient {resource}")
        return short

    def load(self, node: Mapping[str, Any]) -> tuple[float, str]:
        """Return how full a node is: its number of pods, then its name."""
        return self._used[name_of(node)]["pods"], name_of(node)

    def _add(self, node: str, pod: Json, sign: float) -> None:
        for resource, amount in {**requests_of(pod["spec"]), "pods": 1.0}.items():
            self._used[node][resource] += sign * amount


class WaitingPods:
    """Pods that no node has room for, by what they ask for: where one does not fit, its equals don't either."""

    def __init__(self) -> None:
        self._by_wish: dict[bytes, dict[Place, None]] = {}
        self._wishes: dict[Place, bytes] = {}

    def add(self, pod: Json) -> None:
        """Let a pod wait."""
        spec = pod["spec"]
        named = ("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints")
        ports = [container.get("ports") for container in spec["containers"]]
        # Labels count too: other pods may shun some of them.
        shy = labels_of(pod) if spec.get("affinity") or spec.get("topologySpreadConstraints") else None
        wish = digest([requests_of(spec), ports, shy, *(spec.get(name) for name in named)])
        place = (namespace_of(pod), name_of(pod))
        self._wishes[place] = wish
        self._by_wish.setdefault(wish, {})[place] = None

    def remove(self, place: Place) -> list[Place]:
        """Take a pod off the list; returns the next one that asks for the same, if any."""
        wish = self._wishes.pop(place, None)
        if wish is None:
            return []
        equals = self._by_wish[wish]
        del equals[place]
        if not equals:
            del self._by_wish[wish]
        return list(equals)[:1]

    def first_of_each(self) -> list[Place]:
        """Return the longest waiting pod of each wish."""
        return [next(iter(equals)) for equals in self._by_wish.values()]

    def clear(self) -> None:
        """Forget all pods."""
        self._by_wish.clear()
        self._wishes.clear()


class Scheduler:
    """Binds each new pod to the least used node that fits."""

    name = "scheduler"
    watches = ("pods", "nodes")

    def __init__(self, api: ApiServer, engine: Engine, recorder: Recorder) -> None:
        self._api = api
        self._engine = engine
        self._recorder = recorder
        self.room = NodeRoom()
        self._neighbours = Neighbours(api.store)
        self._waiting = WaitingPods()

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.key == "nodes":
            return self._waiting.first_of_each()
        self.room.follow(change)
        self._neighbours.follow(change)
        place = (namespace_of(change.obj), name_of(change.obj))
        if change.type == "DELETED" or is_pod_finished(change.obj):
            self._waiting.remove(place)
            return self._waiting.first_of_each()
        return () if change.obj["spec"].get("nodeName") else (place,)

    def reconcile(self, namespace: str, name: str) -> None:
        pod = self._api.store.find("pods", namespace, name)
        if pod is None or pod["spec"].get("nodeName") or is_terminating(pod) or is_pod_finished(pod):
            self._waiting.remove((namespace, name))
            return
        fitting, refusals = self._sift(pod)
        if not fitting:
            self._refuse(pod, refusals)
            return
        self._bind(pod, name_of(min(fitting, key=self.room.load)))
        for place in self._waiting.remove((namespace, name)):
            self._engine.look_at(self.name, *place)

    def clear(self) -> None:
        """Forget nodes' use and waiting pods (before another state is loaded)."""
        self.room.clear()
        self._neighbours.clear()
        self._waiting.clear()

    def _sift(self, pod: Json) -> tuple[list[Json], Counter[str]]:
        asked, demands = requests_of(pod["spec"]), self._neighbours.read_demands(pod)
        fitting: list[Json] = []
        refusals: Counter[str] = Counter()
        for node in self._api.store.each("nodes"):
            why = _unfit(node, pod["spec"]) or self.room.lacking(node, asked)
            why = why or self._neighbours.list_objections(node, demands)
            refusals.update(why)
            if not why:
                fitting.append(node)
        return fitting, refusals

    def _bind(self, pod: Json, node: str) -> None:
        conditions = [row for row in pod["status"].get("conditions") or () if row["type"] != "PodScheduled"]
        status = {**pod["status"], "conditions": [*conditions, scheduled_condition(self._api.now())]}
        spec = {**pod["spec"], "nodeName": node}
        bound = self._api.store.put("pods", {**pod, "spec": spec, "status": status})
        message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {node}"
        self._recorder.note(bound, "Scheduled", message, "default-scheduler")

    def _refuse(self, pod: Json, refusals: Counter[str]) -> None:
        self._waiting.add(pod)
        total = sum(1 for _ in self._api.store.each("nodes"))
        reasons = ", ".join(f"{count} {why}" for why, count in sorted(refusals.items()))
        message = f"0/{total} nodes are available: {reasons}." if total else "no nodes available to schedule pods"
        old = pod["status"].get("conditions") or ()
        if any(row["type"] == "PodScheduled" and row.get("message") == message for row in old):
            return
        conditions = [row for row in old if row["type"] != "PodScheduled"]
        conditions.append(unschedulable_condition(self._api.now(), message))
        self._api.set_status("pods", pod, {**pod["status"], "conditions": conditions})
        self._recorder.warn(pod, "FailedScheduling", message, "default-scheduler")


def _bound_node(pod: Json | None) -> str | None:
    if pod is None or is_pod_finished(pod):
        return None
    return str(pod["spec"].get("nodeName") or "") or None


def _unfit(node: Json, spec: Mapping[str, Any]) -> list[str]:
    wanted = spec.get("nodeSelector") or {}
    if any(labels_of(node).get(key) != value for key, value in wanted.items()):
        return ["node(s) didn't match node selector"]
    pinned = pinned_node(spec)
    if pinned is not None and pinned != name_of(node):
        return ["node(s) didn't match node selector"]
    if pinned is None and not _is_asked_for(node, spec):
        return ["node(s) didn't match node selector"]
    taint = find_untolerated(node, spec, KEEPING_OUT)
    if taint is not None:
        return [f"node(s) had taint {{{taint['key']}: {taint.get('value', '')}}}, that the pod didn't tolerate"]
    if (node.get("spec") or {}).get("unschedulable") and not _tolerates_cordon(spec):
        return ["node(s) were unschedulable"]
    return []


def _is_asked_for(node: Json, spec: Mapping[str, Any]) -> bool:
    terms = _node_terms(spec)
    return not terms or match_node_terms(terms, labels_of(node))


def _node_terms(spec: Mapping[str, Any]) -> list[Json]:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return required.get("nodeSelectorTerms") or []


def pinned_node(spec: Mapping[str, Any]) -> str | None:
    """Return the one node that a DaemonSet's pod is made for."""
    for term in _node_terms(spec):
        for row in term.get("matchFields") or ():
            if row["key"] == "metadata.name":
                return str(row["values"][0])
    return None


def _tolerates_cordon(spec: Mapping[str, Any]) -> bool:
    keys = {row.get("key") for row in spec.get("tolerations") or ()}
    return "node.kubernetes.io/unschedulable" in keys or None in keys
