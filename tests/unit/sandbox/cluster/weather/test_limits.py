"""Limits of a namespace."""

from __future__ import annotations

from tests.unit.sandbox.cluster.yard import bare_pod, budget, make_yard, workload


def test_quota() -> None:
    """No more pods than it says, until it ends."""
    yard = make_yard()
    yard.cluster.sky.begin("quota", {"pods": 1})
    yard.create(workload("Deployment", "web", replicas=2))
    yard.settle(10)
    assert len(yard.pods("web")) == 1
    yard.cluster.sky.end("quota")
    yard.settle(60)
    assert len(yard.pods("web")) == 2


def test_stuck_budget() -> None:
    """It allows nothing, until it ends."""
    yard = make_yard()
    yard.create(budget("web", minAvailable=0), bare_pod("web"))
    yard.settle(10)

    def allowed() -> int:
        yard.settle(1)
        return int(yard.get("poddisruptionbudgets.policy", "web")["status"]["disruptionsAllowed"])

    yard.cluster.sky.begin("stuck-budget", {"budget": "web"})
    assert allowed() == 0
    yard.cluster.sky.end("stuck-budget")
    assert allowed() == 1
