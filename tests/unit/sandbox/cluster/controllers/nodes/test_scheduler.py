"""The scheduler of the simulated cluster."""

from __future__ import annotations

from sandbox.cluster.objects.objects import condition_of, is_pod_ready
from tests.unit.sandbox.cluster.yard import make_yard, workload

KEY = "deployments.apps"


def test_unschedulable_pod_says_so() -> None:
    """A pod that no node has room for gets the scheduler's condition and an event."""
    yard = make_yard(nodes=2)
    big = workload("Deployment", "web", replicas=1)
    big["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "64"}}
    yard.create(big)
    yard.settle(5)
    reason = condition_of(yard.pods()[0], "PodScheduled")
    assert reason is not None
    assert reason["reason"] == "Unschedulable"
    assert reason["message"] == "0/2 nodes are available: 2 Insufficient cpu."


def test_waiting_pod_is_scheduled_when_there_is_room() -> None:
    """Room that opens is used."""
    yard = make_yard(nodes=1)
    big = workload("Deployment", "web", replicas=2)
    big["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "3"}}
    yard.create(big)
    yard.settle(10)
    yard.cluster.store.remove("nodes", next(iter(yard.cluster.store.each("nodes"))))
    yard.patch(KEY, "web", {"spec": {"replicas": 1}})
    yard.settle(10)
    assert len(yard.pods()) == 1


def test_room_for_several_is_used_at_once() -> None:
    """When room opens, waiting pods that ask for the same follow one another."""
    yard = make_yard(nodes=1)
    hungry = workload("Deployment", "web", replicas=8)
    hungry["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1"}}
    yard.create(hungry)
    yard.settle(10)
    assert sum(1 for pod in yard.pods() if is_pod_ready(pod)) == 3
    extra = dict(next(iter(yard.cluster.store.each("nodes"))))
    yard.create({**extra, "metadata": {"name": "another", "labels": {}}})
    yard.settle(10)
    assert sum(1 for pod in yard.pods() if is_pod_ready(pod)) == 6


def test_pods_that_shun_one_another_need_a_node_each() -> None:
    """The one too many says so with the scheduler's words, and goes where another has left."""
    yard = make_yard(nodes=2)
    term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"}
    shy = workload("Deployment", "web", replicas=3)
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    shy["spec"]["template"]["spec"]["affinity"] = affinity
    yard.create(shy)
    yard.settle(10)
    (waiting,) = (pod for pod in yard.pods() if not pod["spec"].get("nodeName"))
    reason = condition_of(waiting, "PodScheduled")
    assert reason is not None
    assert reason["message"] == (
        "0/2 nodes are available: 2 node(s) didn't match pod affinity/anti-affinity, 2 node(s) didn't match pod"
        " anti-affinity rules."
    )
    gone = next(pod["metadata"]["name"] for pod in yard.pods() if pod["spec"].get("nodeName"))
    yard.delete("pods", gone)
    yard.settle(10)
    assert sum(1 for pod in yard.pods() if is_pod_ready(pod)) == 2


def test_a_host_port_is_free_again_once_its_pod_is_gone() -> None:
    """And for another protocol it was free all the time."""
    yard = make_yard(nodes=1)
    for name, protocol in (("one", "TCP"), ("two", "TCP"), ("three", "UDP")):
        made = workload("Deployment", name, replicas=1)
        container = made["spec"]["template"]["spec"]["containers"][0]
        container["ports"] = [{"containerPort": 80, "hostPort": 80, "protocol": protocol}]
        yard.create(made)
        yard.settle(5)
    assert [len([pod for pod in yard.pods(name) if is_pod_ready(pod)]) for name in ("one", "two", "three")] == [1, 0, 1]
    yard.patch(KEY, "one", {"spec": {"replicas": 0}})
    yard.settle(10)
    assert len([pod for pod in yard.pods("two") if is_pod_ready(pod)]) == 1


def test_pods_are_spread_as_evenly_as_asked() -> None:
    """No node gets a second one before each has one."""
    yard = make_yard(nodes=3)
    row = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    even = workload("Deployment", "web", replicas=6)
    spread = [{**row, "labelSelector": {"matchLabels": {"app": "web"}}}]
    even["spec"]["template"]["spec"]["topologySpreadConstraints"] = spread
    yard.create(even)
    yard.settle(10)
    nodes = [pod["spec"]["nodeName"] for pod in yard.pods()]
    assert sorted(nodes.count(node) for node in set(nodes)) == [2, 2, 2]
