"""Limits that a namespace has: a quota that is full, a budget that allows nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cluster.simulation import Simulation

QUOTA = "sandbox-weather"


@dataclass(frozen=True)
class Quota:
    """A ResourceQuota for pods; by default as many as the namespace shop has in cluster-x."""

    namespace: str = "shop"
    pods: int = 49

    def begin(self, cluster: Simulation) -> None:
        self.end(cluster)
        body = {"metadata": {"name": QUOTA}, "spec": {"hard": {"pods": str(self.pods)}}}
        cluster.api.create(cluster.resources.by_key("resourcequotas"), self.namespace, body)

    def end(self, cluster: Simulation) -> None:
        held = cluster.store.find("resourcequotas", self.namespace, QUOTA)
        if held is not None:
            cluster.store.remove("resourcequotas", held)


@dataclass(frozen=True)
class StuckBudget:
    """A PodDisruptionBudget whose controller says 0 whatever the pods are."""

    namespace: str = "shop"
    budget: str = "cart"

    def begin(self, cluster: Simulation) -> None:
        cluster.api.get(cluster.resources.by_key("poddisruptionbudgets.policy"), self.namespace, self.budget)
        cluster.loops.budgets.stuck.add((self.namespace, self.budget))
        self._look_again(cluster)

    def end(self, cluster: Simulation) -> None:
        cluster.loops.budgets.stuck.discard((self.namespace, self.budget))
        self._look_again(cluster)

    def _look_again(self, cluster: Simulation) -> None:
        cluster.engine.look_at(cluster.loops.budgets.name, self.namespace, self.budget)
