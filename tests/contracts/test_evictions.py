"""What the API server answers to evictions, under budgets and without."""

from __future__ import annotations

import pytest

from steps.mesh import Evicted, EvictionRefused, PodGone
from tests.contracts.ground import Ground
from tests.contracts.shapes import bare_pod, budget, deployment, named, stateful_set, template


def settle_budget(ground: Ground, space: str, healthy: int) -> None:
    """Wait until the controller has counted the pods."""

    def is_counted() -> bool:
        (found,) = ground.gateway.list_objects(ground.policy, "PodDisruptionBudget", space)
        status = found.get("status") or {}
        return bool(status.get("currentHealthy") == healthy and status.get("observedGeneration"))

    ground.until(is_counted)


def test_an_evicted_pod_is_replaced(ground: Ground) -> None:
    """Without a budget everything goes."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    pod = ground.list_live(space)[0]
    assert ground.gateway.evict_pod(space, pod.name, pod.uid) == Evicted()
    ground.until(lambda: sum(found.uid != pod.uid and found.ready for found in ground.list_live(space)) == 2)


@pytest.mark.weather("budget stuck at 0")
def test_a_full_budget_refuses(ground: Ground) -> None:
    """429 with the cause DisruptionBudget; waiting may help."""
    space = ground.make_space()
    ground.create(deployment(space), budget(space, "web", minAvailable=2))
    ground.settle(named(space))
    settle_budget(ground, space, 2)
    pod = ground.list_live(space)[0]
    answer = ground.gateway.evict_pod(space, pod.name, pod.uid)
    assert isinstance(answer, EvictionRefused)
    assert not answer.permanent
    assert "needs 2 healthy pods and has 2 currently" in answer.why


def test_a_budget_lets_as_many_go_as_it_allows(ground: Ground) -> None:
    """The allowance is spent by the first eviction."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=3), budget(space, "web", minAvailable=2))
    ground.settle(named(space))
    settle_budget(ground, space, 3)
    assert [found.disruptions_allowed for found in ground.gateway.list_disruption_budgets(space)] == [1]
    if "faults" in ground.powers:  # a successor that gets ready would free the second one
        ground.break_images(never_ready=["registry.k8s.io/pause:*"])
    first, second = ground.list_live(space)[:2]
    assert ground.gateway.evict_pod(space, first.name, first.uid) == Evicted()
    assert isinstance(ground.gateway.evict_pod(space, second.name, second.uid), EvictionRefused)


def test_the_allowance_comes_back_with_the_replacement(ground: Ground) -> None:
    """A ready successor frees the next pod."""
    space = ground.make_space()
    ground.create(deployment(space), budget(space, "web", maxUnavailable=1))
    ground.settle(named(space))
    settle_budget(ground, space, 2)
    first, second = ground.list_live(space)
    assert ground.gateway.evict_pod(space, first.name, first.uid) == Evicted()
    ground.until(lambda: ground.gateway.evict_pod(space, second.name, second.uid) == Evicted())


def test_overlapping_budgets_refuse_for_good(ground: Ground) -> None:
    """500: somebody has to mend the budgets."""
    space = ground.make_space()
    ground.create(
        deployment(space), budget(space, "web", "one", minAvailable=1), budget(space, "web", "two", minAvailable=1)
    )
    ground.settle(named(space))
    pod = ground.list_live(space)[0]
    answer = ground.gateway.evict_pod(space, pod.name, pod.uid)
    assert isinstance(answer, EvictionRefused)
    assert answer.permanent


def test_an_absent_pod_is_gone(ground: Ground) -> None:
    """404."""
    assert ground.gateway.evict_pod(ground.make_space(), "nobody", "no-uid") == PodGone()


def test_a_successor_of_the_same_name_is_not_hit(ground: Ground) -> None:
    """The uid is a precondition."""
    space = ground.make_space()
    ground.create(stateful_set(space))
    db = named(space, "StatefulSet", "db")
    ground.settle(db)
    pod = ground.list_live(space)[0]
    assert ground.gateway.evict_pod(space, pod.name, "another-uid") == PodGone()
    assert pod.uid in {found.uid for found in ground.list_live(space)}


def test_an_ordinal_comes_back_under_its_name(ground: Ground) -> None:
    """Only the uid tells the old pod from the new."""
    space = ground.make_space()
    ground.create(stateful_set(space))
    ground.settle(named(space, "StatefulSet", "db"))
    pod = ground.list_live(space)[0]
    assert ground.gateway.evict_pod(space, pod.name, pod.uid) == Evicted()
    ground.until(lambda: any(found.name == pod.name and found.uid != pod.uid for found in ground.list_live(space)))


def test_a_bare_pod_does_not_come_back(ground: Ground) -> None:
    """Why the bot leaves these alone."""
    space = ground.make_space()
    ground.create(bare_pod(space))
    ground.until(lambda: ground.list_live(space)[0].ready == 1)
    pod = ground.list_live(space)[0]
    assert pod.owner is None
    assert ground.gateway.evict_pod(space, pod.name, pod.uid) == Evicted()
    ground.until(lambda: not list(ground.gateway.list_pods(space)))
    ground.pause(1)
    assert not list(ground.gateway.list_pods(space))


def test_a_second_eviction_of_a_leaving_pod_is_harmless(ground: Ground) -> None:
    """Repeating after a lost answer does no harm."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=1))
    ground.settle(named(space))
    pod = ground.list_live(space)[0]
    ground.gateway.evict_pod(space, pod.name, pod.uid)
    assert isinstance(ground.gateway.evict_pod(space, pod.name, pod.uid), Evicted | PodGone)


def test_a_rollout_ignores_budgets(ground: Ground) -> None:
    """A restart goes on where an eviction would be refused."""
    space = ground.make_space()
    ground.create(deployment(space), budget(space, "web", minAvailable=2))
    ground.settle(named(space))
    settle_budget(ground, space, 2)
    ground.gateway.restart_workload(named(space), "2026-03-02T09:00:00Z")
    ground.settle(named(space))


def test_an_unready_pod_is_still_guarded(ground: Ground) -> None:
    """A crash-looping pod under a budget that isn't met can't be evicted."""
    ground.need("faults")
    space = ground.make_space()
    ground.break_images(never_ready=["registry.k8s.io/pause:*"])
    ground.create(deployment(space, replicas=1), budget(space, "web", minAvailable=1))
    ground.until(lambda: any(pod.phase == "Running" for pod in ground.list_live(space)))
    settle_budget(ground, space, 0)
    pod = ground.list_live(space)[0]
    assert isinstance(ground.gateway.evict_pod(space, pod.name, pod.uid), EvictionRefused)


def test_an_unready_pod_goes_while_enough_others_are_healthy(ground: Ground) -> None:
    """It counts for nobody, so the budget that allows none loses nothing."""
    ground.need("faults")
    space = ground.make_space()
    ground.break_images(never_ready=["example.com/broken:*"])
    shared = budget(space, "web", minAvailable=2)
    shared["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "sick"]}]}
    sick = deployment(space, "sick", 1, template("sick", image="example.com/broken:1"))
    ground.create(deployment(space), sick, shared)
    ground.settle(named(space))
    settle_budget(ground, space, 2)
    ground.until(lambda: [pod.phase for pod in ground.list_live(space, "app=sick")] == ["Running"])
    pod = ground.list_live(space, "app=sick")[0]
    assert ground.gateway.evict_pod(space, pod.name, pod.uid) == Evicted()


def test_a_leaving_pod_needs_no_allowance(ground: Ground) -> None:
    """Its eviction again succeeds although the budget is spent."""
    space = ground.make_space()
    patient = template("web", terminationGracePeriodSeconds=30)
    ground.create(deployment(space, replicas=2, pods=patient), budget(space, "web", minAvailable=1))
    ground.settle(named(space))
    settle_budget(ground, space, 2)
    pod = ground.list_live(space)[0]
    assert ground.gateway.evict_pod(space, pod.name, pod.uid) == Evicted()
    assert isinstance(ground.gateway.evict_pod(space, pod.name, pod.uid), Evicted | PodGone)


def test_a_pending_pod_needs_no_allowance(ground: Ground) -> None:
    """It counts for nobody."""
    space = ground.make_space()
    made = deployment(space, replicas=1)
    made["spec"]["template"]["spec"]["nodeSelector"] = {"nowhere": "true"}
    ground.create(made, budget(space, "web", minAvailable=1))
    ground.until(lambda: ground.list_live(space))
    pod = ground.list_live(space)[0]
    assert ground.gateway.evict_pod(space, pod.name, pod.uid) == Evicted()


def test_an_empty_selector_of_the_old_version_guards_nothing(ground: Ground) -> None:
    """policy/v1beta1 differs from v1 here."""
    if ground.policy != "policy/v1beta1":
        ground.need("policy/v1beta1")
    space = ground.make_space()
    empty = budget(space, "web", minAvailable=5)
    empty["spec"]["selector"] = {}
    ground.create(deployment(space, replicas=1), empty)
    ground.settle(named(space))
    pod = ground.list_live(space)[0]
    assert ground.gateway.evict_pod(space, pod.name, pod.uid) == Evicted()
