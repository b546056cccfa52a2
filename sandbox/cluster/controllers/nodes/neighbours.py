"""What a node's pods rule out for another pod: ports, required affinity, topology spread (source: 1.20's plugins)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.cluster.objects.objects import (
    Json,
    is_pod_finished,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from sandbox.cluster.objects.selectors import match_label_selector
from sandbox.cluster.server.store import Change, Store

NO_PORT = "node(s) didn't have free ports for the requested pod ports"
NO_SPREAD = "node(s) didn't match pod topology spread constraints"
NO_AFFINITY = ("node(s) didn't match pod affinity/anti-affinity", "node(s) didn't match pod affinity rules")
NO_ANTI = ("node(s) didn't match pod affinity/anti-affinity", "node(s) didn't match pod anti-affinity rules")
NO_OTHERS = (
    "node(s) didn't match pod affinity/anti-affinity",
    "node(s) didn't satisfy existing pods anti-affinity rules",
)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
Domain = tuple[str, str]
Port = tuple[str, int]


@dataclass
class Demands:
    """What one pod asks of the pods around it, with the domains (label, value) that this rules out or asks for."""

    ports: frozenset[Port] = frozenset()
    shunned: set[Domain] = field(default_factory=set)
    shunning: set[Domain] = field(default_factory=set)
    near: list[tuple[str, set[Domain]]] = field(default_factory=list)
    spread: list[tuple[str, int, Counter[str]]] = field(default_factory=list)


class Neighbours:
    """The bound pods as far as they rule nodes out for others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shy: dict[str, Json] = {}
        self._ports: dict[str, Counter[Port]] = defaultdict(Counter)

    def follow(self, change: Change) -> None:
        """Take a pod's change in."""
        before = _bound(change.before)
        after = None if change.type == "DELETED" else _bound(change.obj)
        for pod, sign in ((before, -1), (after, 1)):
            if pod is not None:
                for port in _host_ports(pod):
                    self._ports[pod["spec"]["nodeName"]][port] += sign
        if after is not None and _terms(after, "podAntiAffinity"):
            self._shy[uid_of(after)] = after
        else:
            self._shy.pop(uid_of(change.obj), None)

    def clear(self) -> None:
        """Forget all pods."""
        self._shy.clear()
        self._ports.clear()

    def read_demands(self, pod: Json) -> Demands:
        """Look at the pods around one that is to be bound."""
        demands = Demands(frozenset(_host_ports(pod)))
        for term in _terms(pod, "podAntiAffinity"):
            demands.shunning |= self._domains(term, pod)
        for other in self._shy.values():
            for term in _terms(other, "podAntiAffinity"):
                if _selects(term, other, pod):
                    demands.shunned |= self._domain_of(other, term["topologyKey"])
        for term in _terms(pod, "podAffinity"):
            found = self._domains(term, pod)
            # The first of its kind may go anywhere.
            if found or not _selects(term, pod, pod):
                demands.near.append((term["topologyKey"], found))
        for row in pod["spec"].get("topologySpreadConstraints") or ():
            if row.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule":
                demands.spread.append((row["topologyKey"], int(row["maxSkew"]), self._count(row, pod)))
        return demands

    def list_objections(self, node: Json, demands: Demands) -> list[str]:
        """Say why a node won't do for a pod of these demands; the first plugin that objects speaks alone."""
        if any(self._ports[name_of(node)][port] > 0 for port in demands.ports):
            return [NO_PORT]
        labels = labels_of(node)
        if not all(_is_even(labels.get(key), skew, counts) for key, skew, counts in demands.spread):
            return [NO_SPREAD]
        own = set(labels.items())
        if any((key, labels.get(key, "")) not in domains for key, domains in demands.near):
            return list(NO_AFFINITY)
        if own & demands.shunning:
            return list(NO_ANTI)
        return list(NO_OTHERS) if own & demands.shunned else []

    def _domains(self, term: Json, pod: Json) -> set[Domain]:
        found: set[Domain] = set()
        for other in self._others(term.get("namespaces") or [namespace_of(pod)]):
            if match_label_selector(term.get("labelSelector"), labels_of(other)):
                found |= self._domain_of(other, term["topologyKey"])
        return found

    def _domain_of(self, pod: Json, key: str) -> set[Domain]:
        node = self._store.find("nodes", "", pod["spec"]["nodeName"])
        return {(key, labels_of(node)[key])} if node is not None and key in labels_of(node) else set()

    def _count(self, row: Mapping[str, Any], pod: Json) -> Counter[str]:
        key, wanted = row["topologyKey"], (pod["spec"].get("nodeSelector") or {}).items()
        # Nodes that the pod's own selector leaves out have no say.
        nodes = [labels_of(node) for node in self._store.each("nodes") if wanted <= labels_of(node).items()]
        counts = Counter({labels[key]: 0 for labels in nodes if key in labels})
        for other in self._others([namespace_of(pod)]):
            if not is_terminating(other) and match_label_selector(row.get("labelSelector"), labels_of(other)):
                counts.update(value for _, value in self._domain_of(other, key) if value in counts)
        return counts

    def _others(self, namespaces: Iterable[str]) -> Iterator[Json]:
        for namespace in namespaces:
            yield from (pod for pod in self._store.each("pods", namespace) if _bound(pod) is not None)


def _bound(pod: Json | None) -> Json | None:
    return pod if pod is not None and pod["spec"].get("nodeName") and not is_pod_finished(pod) else None


def _host_ports(pod: Json) -> list[Port]:
    rows = (row for container in pod["spec"]["containers"] for row in container.get("ports") or ())
    return [(row.get("protocol", "TCP"), int(row["hostPort"])) for row in rows if row.get("hostPort")]


def _terms(pod: Json, kind: str) -> list[Json]:
    return list(((pod["spec"].get("affinity") or {}).get(kind) or {}).get(_REQUIRED) or ())


def _selects(term: Json, owner: Json, pod: Json) -> bool:
    spaces = term.get("namespaces") or [namespace_of(owner)]
    return namespace_of(pod) in spaces and match_label_selector(term.get("labelSelector"), labels_of(pod))


def _is_even(value: str | None, skew: int, counts: Counter[str]) -> bool:
    return value is not None and counts[value] + 1 - min(counts.values(), default=0) <= skew
