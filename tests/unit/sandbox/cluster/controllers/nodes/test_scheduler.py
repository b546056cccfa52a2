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
