"""A pod that is out of service although its containers are ready: readiness gates."""

from __future__ import annotations

from typing import Any

import pytest

from steps.mesh import EvictionRefused, Pod
from tests.contracts.ground import Ground
from tests.contracts.shapes import budget, deployment, named, template

GATE = "example.com/load-balancer"
MERGE = "application/strategic-merge-patch+json"


def make_gated(ground: Ground, replicas: int = 2, **more: Any) -> str:
    """A namespace with a Deployment of pods behind a gate, all with ready containers."""
    space = ground.make_space()
    pods = template("web", readinessGates=[{"conditionType": GATE}])
    ground.create(deployment(space, replicas=replicas, pods=pods, **more))
    ground.until(lambda: [pod.ready for pod in ground.list_live(space)] == [1] * replicas)
    return space


def set_gate(ground: Ground, pod: Pod, status: str = "True") -> None:
    """Set the gate's condition as its controller would."""
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/status"
    change = {"status": {"conditions": [{"type": GATE, "status": status}]}}
    assert ground.send("PATCH", path, change, MERGE).is_success
    ground.until(lambda: is_ready(ground, pod) == (status == "True"))


def is_ready(ground: Ground, pod: Pod) -> bool:
    """Whether the pod is ready by now."""
    return any(found.uid == pod.uid and found.is_ready for found in ground.list_live(pod.namespace))


@pytest.mark.weather("a load balancer's readiness gate opens late")
def test_a_gate_keeps_a_pod_out_of_service(ground: Ground) -> None:
    """1/1 and not ready, with the gate's name as its problem; the workload counts it as not available."""
    ground.need("faults")
    space = make_gated(ground)
    first, second = ground.list_live(space)
    assert (first.ready, first.total, first.is_ready) == (1, 1, False)
    said = f'ReadinessGatesNotReady: corresponding condition of pod readiness gate "{GATE}" does not exist.'
    assert first.problem == said
    ground.until(lambda: ground.read(named(space)).updated == 2)
    assert ground.read(named(space)).available == 0
    set_gate(ground, first)
    ground.until(lambda: ground.read(named(space)).available == 1)
    set_gate(ground, second)
    assert ground.settle(named(space)).available == 2


def test_a_gate_that_shuts_again_takes_the_pod_out_of_service(ground: Ground) -> None:
    """As when a health check fails."""
    ground.need("faults")
    space = make_gated(ground, replicas=1)
    (pod,) = ground.list_live(space)
    set_gate(ground, pod)
    set_gate(ground, pod, "False")
    (pod,) = ground.list_live(space)
    assert f'readiness gate "{GATE}" is not "True", but False' in pod.problem
    ground.until(lambda: ground.read(named(space)).available == 0)


def test_a_rollout_waits_for_the_gates_of_its_new_pods(ground: Ground) -> None:
    """No old pod goes before a new one is in service."""
    ground.need("faults")
    space = make_gated(ground)
    old = ground.list_live(space)
    for pod in old:
        set_gate(ground, pod)
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), "2026-03-02T09:00:00Z")
    ground.until(lambda: len(ground.list_live(space)) == 3)
    ground.pause(3)
    live = ground.list_live(space)
    assert {pod.uid for pod in old} <= {pod.uid for pod in live}
    (new,) = (pod for pod in live if pod.uid not in {one.uid for one in old})
    set_gate(ground, new)
    ground.until(lambda: sum(pod.uid in {one.uid for one in old} for pod in ground.list_live(space)) == 1)


@pytest.mark.weather("a load balancer's readiness gate opens late")
def test_a_budget_counts_pods_by_their_ready_condition(ground: Ground) -> None:
    """A successor behind its gate frees no other eviction."""
    ground.need("faults")
    space = make_gated(ground)
    ground.create(budget(space, "web", minAvailable=1))
    first = ground.list_live(space)[0]
    set_gate(ground, first)
    ground.pause(3)
    assert isinstance(ground.gateway.evict_pod(space, first.name, first.uid), EvictionRefused)
