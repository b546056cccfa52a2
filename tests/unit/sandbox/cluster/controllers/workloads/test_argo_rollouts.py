"""Argo Rollouts of the simulated cluster restart by restartAt."""

from __future__ import annotations

from sandbox.cluster.controllers.workloads.argo_rollouts import KEY, rollout_definition
from sandbox.cluster.objects.objects import is_pod_ready, stamp
from sandbox.cluster.objects.patches import MERGE_PATCH
from tests.unit.sandbox.cluster.yard import Yard, budget, make_yard, names, workload


def rollout_yard() -> Yard:
    yard = make_yard()
    yard.create(rollout_definition())
    yard.create(workload("Rollout", "web", api="argoproj.io/v1alpha1", replicas=3))
    yard.settle(20)
    return yard


def restart(yard: Yard) -> None:
    body = {"spec": {"restartAt": stamp(yard.clock.now)}}
    yard.cluster.api.patch(yard.cluster.resources.by_key(KEY), "shop", "web", body, MERGE_PATCH)


def test_rollout_keeps_its_pods() -> None:
    """A Rollout owns a ReplicaSet that owns its pods."""
    yard = rollout_yard()
    assert len(yard.pods()) == 3
    assert yard.get(KEY, "web")["status"]["phase"] == "Healthy"


def test_restart_at_replaces_every_pod_one_by_one() -> None:
    """Pods older than restartAt are evicted, one at a time, and the status says when that is done."""
    yard = rollout_yard()
    before = set(names(yard.pods()))
    yard.settle(60)
    restart(yard)
    fewest = 3
    for _ in range(60):
        yard.settle(0.5)
        fewest = min(fewest, sum(1 for pod in yard.pods() if is_pod_ready(pod)))
    assert not before & set(names(yard.pods()))
    assert fewest == 2
    assert yard.get(KEY, "web")["status"]["restartedAt"] == yard.get(KEY, "web")["spec"]["restartAt"]


def test_restart_honours_budgets() -> None:
    """A budget that allows nothing holds the restart up."""
    yard = rollout_yard()
    yard.create(budget("web", minAvailable=3))
    before = names(yard.pods())
    yard.settle(60)
    restart(yard)
    yard.settle(60)
    assert names(yard.pods()) == before
