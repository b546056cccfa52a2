"""Nodes and what they keep people waiting for: lost ones, many of them, pods that take long."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sandbox.cluster.controllers.readiness_gates import HEALTH_CHECK_SECONDS, NEG_READY
from sandbox.cluster.objects.objects import name_of
from sandbox.cluster.seeds.objects import node
from sandbox.cluster.simulation import Simulation

_ADDED = "gke-cluster-x-weather-"


@dataclass(frozen=True)
class LostNode:
    """Nothing is heard of a node any more; by default of the first by name."""

    node: str = ""

    def begin(self, cluster: Simulation) -> None:
        cluster.loops.nodes.lose(self._name(cluster))

    def end(self, cluster: Simulation) -> None:
        cluster.loops.nodes.recover(self._name(cluster))

    def _name(self, cluster: Simulation) -> str:
        if self.node:
            return name_of(cluster.api.get(cluster.resources.by_key("nodes"), "", self.node))
        return min(name_of(one) for one in cluster.store.each("nodes"))


@dataclass(frozen=True)
class ManyNodes:
    """The cluster grows to so many nodes."""

    count: int = 200

    def begin(self, cluster: Simulation) -> None:
        missing = self.count - cluster.store.count("nodes", "")
        for number in range(1, missing + 1):
            made = node(1000 + number, cluster.server_version)
            made["metadata"]["name"] = name = f"{_ADDED}{number:04d}"
            made["metadata"]["labels"]["kubernetes.io/hostname"] = name
            cluster.api.create(cluster.resources.by_key("nodes"), "", made)

    def end(self, cluster: Simulation) -> None:
        for one in list(cluster.store.each("nodes")):
            if name_of(one).startswith(_ADDED):
                cluster.store.remove("nodes", one)


@dataclass(frozen=True)
class LateGates:
    """A load balancer finds a pod healthy only so many seconds after its containers are ready."""

    gate: str = NEG_READY
    seconds: float = 90.0

    def begin(self, cluster: Simulation) -> None:
        cluster.loops.gates.delays[self.gate] = self.seconds

    def end(self, cluster: Simulation) -> None:
        if self.gate == NEG_READY:
            cluster.loops.gates.delays[self.gate] = HEALTH_CHECK_SECONDS
        else:
            del cluster.loops.gates.delays[self.gate]


@dataclass(frozen=True)
class SlowPods:
    """Pods take so many seconds to become ready, and to end (at most their grace period)."""

    ready: float = 90.0
    stop: float = 25.0

    def begin(self, cluster: Simulation) -> None:
        cluster.loops.kubelet.pace = dataclasses.replace(cluster.pace, ready=self.ready, stop=self.stop)

    def end(self, cluster: Simulation) -> None:
        cluster.loops.kubelet.pace = cluster.pace


@dataclass(frozen=True)
class NodeUpgrade:
    """GKE replaces the nodes one after the other: a new one, the old one cordoned, drained and removed."""

    def begin(self, cluster: Simulation) -> None:
        cluster.loops.pool.start_upgrade()

    def end(self, cluster: Simulation) -> None:
        cluster.loops.pool.stop_upgrade()


@dataclass(frozen=True)
class AutoscaledNodes:
    """A node is added some seconds after a pod found no room, up to so many nodes."""

    after: float = 60.0
    most: int = 20

    def begin(self, cluster: Simulation) -> None:
        cluster.loops.pool.autoscale(self.after, self.most)

    def end(self, cluster: Simulation) -> None:
        cluster.loops.pool.autoscale(None)
