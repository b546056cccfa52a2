"""What goes wrong on clusters, and how it shows."""

from __future__ import annotations

import pytest

from tests.contracts.ground import Ground
from tests.contracts.shapes import bare_pod, deployment, named, quota, template
from tests.contracts.test_namespace_limits import read_used


@pytest.mark.weather("quota exceeded")
def test_a_quota_stops_the_new_pods(ground: Ground) -> None:
    """ReplicaFailure names the quota; the old pods stay."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    ground.create(quota(space, 2))
    ground.until(lambda: read_used(ground, space) == {"pods": "2"})
    ground.gateway.restart_workload(named(space), "2026-03-02T09:00:00Z")
    ground.until(lambda: ground.read(named(space)).failure)
    assert "exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2" in ground.read(named(space)).failure
    assert ground.read(named(space)).available == 2


@pytest.mark.weather("Unschedulable")
def test_no_room_shows_as_unschedulable(ground: Ground) -> None:
    """On the pod; the workload only waits."""
    space = ground.make_space()
    container = template("web")["spec"]["containers"][0]
    greedy = template("web", containers=[{**container, "resources": {"requests": {"cpu": "100000"}}}])
    ground.create(deployment(space, replicas=1, pods=greedy))
    ground.until(lambda: any(pod.problem for pod in ground.list_live(space)))
    (pod,) = ground.list_live(space)
    assert pod.problem.startswith("Unschedulable: 0/")
    assert "Insufficient cpu" in pod.problem
    assert (pod.phase, pod.ready, pod.total) == ("Pending", 0, 1)


@pytest.mark.weather("crash-looping new pods")
def test_a_crash_loop_shows_with_its_reason(ground: Ground) -> None:
    """The container's waiting reason."""
    ground.need("faults")
    space = ground.make_space()
    ground.break_images(crashing=["registry.k8s.io/pause:*"])
    ground.create(deployment(space, replicas=1))
    ground.until(lambda: any("CrashLoopBackOff" in pod.problem for pod in ground.list_live(space)))
    (pod,) = ground.list_live(space)
    assert (pod.ready, pod.phase) == (0, "Running")
    assert pod.restarts >= 1


@pytest.mark.weather("namespace deleted in the middle")
def test_a_deleted_namespace_goes_with_all_it_holds(ground: Ground) -> None:
    """Terminating first, refused for new pods, then gone."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    ground.gateway.delete_namespace(space)
    found = {one.name: one for one in ground.gateway.list_namespaces()}
    assert space not in found or found[space].terminating
    ground.until(lambda: space not in {one.name for one in ground.gateway.list_namespaces()})
    assert ground.gateway.read_workload(named(space)) is None
    ground.gateway.delete_namespace(space)


def test_a_terminating_namespace_takes_no_new_pods(ground: Ground) -> None:
    """403 names the reason."""
    space = ground.make_space()
    ground.create(bare_pod(space, terminationGracePeriodSeconds=30))
    ground.gateway.delete_namespace(space)
    answer = ground.send("POST", f"/api/v1/namespaces/{space}/pods", bare_pod(space, "late"))
    assert answer.status_code in (403, 404)
    assert "being terminated" in answer.json()["message"] or "not found" in answer.json()["message"]


@pytest.mark.weather("workload scaled in the middle, as an autoscaler does it")
def test_scaling_in_the_middle_of_a_rollout_is_followed(ground: Ground) -> None:
    """The wanted number moves, the rollout still ends."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=2))
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), "2026-03-02T09:00:00Z")
    ground.patch(named(space), {"spec": {"replicas": 4}})
    assert ground.settle(named(space)).replicas == 4
    ground.until(lambda: len(ground.list_live(space)) == 4)


@pytest.mark.weather("workload edited by somebody else in the middle")
def test_an_edit_in_the_middle_of_a_rollout_wins(ground: Ground) -> None:
    """Somebody's new image rolls out with the stamp kept."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), "2026-03-02T09:00:00Z")
    image = "registry.k8s.io/pause:3.8"
    change = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}}
    ground.patch(named(space), change)
    found = ground.settle(named(space))
    assert (found.images, found.restarted_at) == ({"app": image}, "2026-03-02T09:00:00Z")


@pytest.mark.weather("workload deleted in the middle")
def test_a_workload_deleted_in_the_middle_takes_its_pods_along(ground: Ground) -> None:
    """The ledger's rows become 'gone'."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), "2026-03-02T09:00:00Z")
    options = {"propagationPolicy": "Background"}
    assert ground.send("DELETE", f"/apis/apps/v1/namespaces/{space}/deployments/web", options).status_code == 200
    ground.until(lambda: not list(ground.gateway.list_pods(space)))
    assert ground.gateway.read_workload(named(space)) is None
