"""Deployments of the simulated cluster roll as a real controller makes them."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.objects.objects import condition_of, is_pod_ready
from sandbox.cluster.server.faults import PodFault
from tests.unit.sandbox.cluster.yard import Yard, make_yard, names, until, workload

KEY = "deployments.apps"


def is_done(yard: Yard, name: str = "web") -> bool:
    found = yard.get(KEY, name)
    status, wanted = found.get("status") or {}, found["spec"]["replicas"]
    return bool(
        status.get("observedGeneration") == found["metadata"]["generation"]
        and status.get("updatedReplicas") == status.get("replicas") == status.get("availableReplicas") == wanted
    )


def running_web(replicas: int = 4, **spec: Any) -> Yard:
    yard = make_yard()
    yard.create(workload("Deployment", "web", replicas=replicas, **spec))
    until(lambda: is_done(yard), yard)
    return yard


def test_pods_become_ready_after_their_delays() -> None:
    """A pod is not ready before it was created and probed."""
    yard = make_yard()
    yard.create(workload("Deployment", "web", replicas=3))
    yard.settle(1.5)
    assert not any(is_pod_ready(pod) for pod in yard.pods())
    yard.settle(2)
    assert all(is_pod_ready(pod) for pod in yard.pods())


def test_restart_replaces_every_pod() -> None:
    """No pod of before a restart is left after it."""
    yard = running_web()
    before = set(names(yard.pods()))
    yard.restart(KEY, "web")
    yard.cluster.tick()
    until(lambda: is_done(yard), yard)
    assert not before & set(names(yard.pods()))


def test_rolling_keeps_availability() -> None:
    """Ready pods never fall under replicas - maxUnavailable, nor do pods exceed replicas + maxSurge."""
    yard = running_web(8)
    yard.restart(KEY, "web")
    seen = set()
    for _ in range(200):
        yard.settle(0.2)
        pods = yard.pods()
        seen.add((len(pods), sum(1 for pod in pods if is_pod_ready(pod))))
    assert max(total for total, _ in seen) == 10
    assert min(ready for _, ready in seen) == 6


def test_recreate_stops_everything_first() -> None:
    """With strategy Recreate no new pod exists while an old one does, a terminating one included."""
    yard = running_web(3, strategy={"type": "Recreate"})
    old = set(names(yard.pods()))
    yard.restart(KEY, "web")
    mixed = False
    for _ in range(60):
        yard.settle(0.1)
        here = set(names(list(yard.cluster.store.each("pods", "shop"))))
        mixed |= bool(here & old) and bool(here - old)
    assert not mixed
    assert is_done(yard)


def test_paused_deployment_accepts_a_restart_and_does_nothing() -> None:
    """The API takes the patch, and no pod is replaced."""
    yard = running_web(2)
    before = names(yard.pods())
    yard.patch(KEY, "web", {"spec": {"paused": True}})
    yard.restart(KEY, "web")
    yard.settle(700)
    assert names(yard.pods()) == before
    assert condition_of(yard.get(KEY, "web"), "Progressing")["reason"] == "DeploymentPaused"  # type: ignore[index]


def test_stuck_rollout_exceeds_its_deadline() -> None:
    """Pods that never become ready end in ProgressDeadlineExceeded."""
    yard = running_web(2, progressDeadlineSeconds=30)
    yard.cluster.faults.pods.active.append(PodFault("never-ready", image="example.com/web:*"))
    yard.restart(KEY, "web")
    yard.settle(60)
    progress = condition_of(yard.get(KEY, "web"), "Progressing")
    assert progress is not None
    assert (progress["status"], progress["reason"]) == ("False", "ProgressDeadlineExceeded")


def test_same_restart_twice_rolls_once() -> None:
    """A patch with the stamp that is already there changes nothing."""
    yard = running_web(2)
    once = yard.restart(KEY, "web")
    assert yard.restart(KEY, "web") is once


def test_scaling_to_zero_is_done_at_once() -> None:
    """Without replicas a restart has nothing to wait for."""
    yard = running_web(2)
    yard.patch(KEY, "web", {"spec": {"replicas": 0}})
    yard.settle(10)
    yard.restart(KEY, "web")
    yard.settle(1)
    assert yard.get(KEY, "web")["status"]["observedGeneration"] == 3


def test_rollback_takes_the_old_replica_set_again() -> None:
    """A template of before is not made anew but scaled up again, with a higher revision."""
    yard = running_web(2)
    first = names(list(yard.cluster.store.each("replicasets.apps", "shop")))
    yard.patch(KEY, "web", {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "x:2"}]}}}})
    yard.settle(60)
    yard.patch(
        KEY, "web", {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "example.com/web:1"}]}}}}
    )
    yard.settle(60)
    again = yard.get("replicasets.apps", first[0])
    assert again["spec"]["replicas"] == 2
    assert again["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
