"""Weathers of nodes."""

from __future__ import annotations

from sandbox.cluster.controllers.readiness_gates import NEG_READY
from sandbox.cluster.objects.objects import condition_of, is_pod_ready, name_of
from tests.unit.sandbox.cluster.yard import Yard, bare_pod, budget, make_yard, until, workload


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


def test_node_upgrade() -> None:
    """Every node is another one afterwards, a budget was kept meanwhile, and nothing is lost."""
    yard = make_yard(nodes=3)
    yard.create(
        workload("Deployment", "web", replicas=4), workload("DaemonSet", "agent"), budget("web", minAvailable=3)
    )
    yard.settle(30)
    before = {name_of(node) for node in yard.cluster.store.each("nodes")}
    least = 4
    yard.cluster.sky.begin("node-upgrade")
    for _ in range(60):
        yard.settle(5)
        least = min(least, sum(is_pod_ready(pod) for pod in yard.pods("web")))
    after = {name_of(node) for node in yard.cluster.store.each("nodes")}
    assert (len(after), after & before) == (3, set())
    assert least >= 3
    assert sum(is_pod_ready(pod) for pod in yard.pods("web")) == 4
    assert sum(is_pod_ready(pod) for pod in yard.pods("agent")) == 3


def test_a_node_upgrade_that_ends_leaves_the_rest_schedulable() -> None:
    """As when somebody cancels it."""
    yard = make_yard(nodes=3)
    yard.cluster.sky.begin("node-upgrade")
    yard.settle(33)
    yard.cluster.sky.end("node-upgrade")
    yard.settle(300)
    nodes = list(yard.cluster.store.each("nodes"))
    assert not any((node.get("spec") or {}).get("unschedulable") for node in nodes)
    assert len(nodes) == 3


def test_autoscaled_nodes() -> None:
    """A pod without room gets a node, a minute later; no more of them than it says."""
    yard = make_yard(nodes=1)
    yard.cluster.sky.begin("autoscaled-nodes", {"most": 2})
    greedy = bare_pod("greedy")
    greedy["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "3"}}
    for name in ("first", "second", "third"):
        yard.create({**greedy, "metadata": {**greedy["metadata"], "name": name}})
    assert 60 <= until(lambda: is_pod_ready(yard.get("pods", "second")), yard) < 75
    yard.settle(300)
    assert yard.cluster.store.count("nodes", "") == 2
    assert not is_pod_ready(yard.get("pods", "third"))
