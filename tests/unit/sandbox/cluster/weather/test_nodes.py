"""Weathers of nodes."""

from __future__ import annotations

from sandbox.cluster.controllers.readiness_gates import NEG_READY
from sandbox.cluster.objects.objects import condition_of, is_pod_ready, name_of
from tests.unit.sandbox.cluster.yard import Yard, bare_pod, make_yard, until, workload


def count_ready_nodes(yard: Yard) -> int:
    """How many nodes say that they are ready."""
    rows = [condition_of(node, "Ready") for node in yard.cluster.store.each("nodes")]
    return sum(1 for row in rows if row and row["status"] == "True")


def test_lost_node() -> None:
    """One node is heard no more, until it ends."""
    yard = make_yard(nodes=3)
    yard.cluster.sky.begin("lost-node")
    yard.settle(60)
    assert count_ready_nodes(yard) == 2
    yard.cluster.sky.end("lost-node")
    yard.settle(1)
    assert count_ready_nodes(yard) == 3


def test_many_nodes() -> None:
    """A DaemonSet is on all of them, and afterwards on those that are left."""
    yard = make_yard(nodes=3)
    yard.create(workload("DaemonSet", "agent"))
    yard.cluster.sky.begin("many-nodes", {"count": 30})
    yard.settle(30)
    assert yard.get("daemonsets.apps", "agent")["status"]["numberReady"] == 30
    yard.cluster.sky.end("many-nodes")
    yard.settle(120)
    assert yard.get("daemonsets.apps", "agent")["status"]["numberReady"] == 3
    assert len([name_of(pod) for pod in yard.cluster.store.each("pods", "shop")]) == 3


def test_late_gates() -> None:
    """90 s, and as before afterwards."""
    yard = make_yard()
    yard.cluster.sky.begin("late-gates")
    yard.create(bare_pod("first", readinessGates=[{"conditionType": NEG_READY}]))
    assert until(lambda: is_pod_ready(yard.get("pods", "first")), yard) > 90
    yard.cluster.sky.end("late-gates")
    yard.create(bare_pod("second", readinessGates=[{"conditionType": NEG_READY}]))
    assert until(lambda: is_pod_ready(yard.get("pods", "second")), yard) < 10


def test_slow_pods() -> None:
    """Slow to start, and to end."""
    yard = make_yard()
    yard.cluster.sky.begin("slow-pods")
    yard.create(bare_pod("lonely"))
    assert until(lambda: is_pod_ready(yard.get("pods", "lonely")), yard, seconds=300) > 60
    yard.delete("pods", "lonely")
    assert until(lambda: yard.cluster.store.find("pods", "shop", "lonely") is None, yard) > 15
