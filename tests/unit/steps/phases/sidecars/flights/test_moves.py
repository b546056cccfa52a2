from typing import Any

import pytest

from steps.contract.options import Limits
from steps.mesh import DisruptionBudget, Workload
from steps.phases.sidecars.flights.flight import Flight, Ready, Underway
from steps.phases.sidecars.flights.moves import Begin, Evict, RestartAgain, choose_evictions, choose_moves
from steps.phases.sidecars.flights.pace import Bucket
from tests.unit.steps.paper_cluster import START
from tests.unit.steps.rig import load_release
from tests.unit.steps.shapes import NEW, entry, flight, pod, workload

RELEASE = load_release()
NO_LIMIT = Bucket(0, 0, START)


def evicting(count: int, shape: Workload, *more: Any) -> Flight:
    """A begun workload of old pods web-0, web-1, ..., and some more pods."""
    names = [f"web-{n}" for n in range(count)]
    return flight(
        *(entry(name) for name in names),
        method="evict",
        workload=shape,
        pods=(*(pod(name) for name in names), *more),
        stamp="2026-03-02T09:00:00Z",
    )


def evicted(one: Flight, *budgets: DisruptionBudget, checked: bool = True) -> list[str]:
    """The names of the pods to evict next."""
    return [eviction.pod.name for eviction in choose_evictions(one, budgets, checked, RELEASE)]


def allow(number: int) -> DisruptionBudget:
    """A budget for the workload's pods."""
    return DisruptionBudget("shop", "web", {"app": "web"}, "", "", number)


def test_a_stateful_set_is_evicted_from_the_highest_ordinal_down() -> None:
    """One at a time, as its controller would."""
    assert evicted(evicting(12, workload("StatefulSet", replicas=12))) == ["web-11"]


def test_nobody_is_evicted_while_a_replacement_is_not_ready() -> None:
    """The strategy's limit counts pods that are away for any reason."""
    starting = pod("web-9", NEW, ready=0)
    assert evicted(evicting(2, workload("ReplicaSet", replicas=3), starting)) == []


def test_an_unready_pod_goes_first_and_costs_nothing() -> None:
    """It serves nobody."""
    shape = workload("ReplicaSet", replicas=3)
    one = evicting(2, shape, pod("web-2", ready=0))
    with_entry = flight(
        *(entry(f"web-{n}") for n in range(3)), method="evict", workload=shape, pods=one.pods, stamp=one.stamp
    )
    assert evicted(with_entry) == ["web-2"]


def test_a_budget_limits_a_batch() -> None:
    """No more are asked for than it allows."""
    shape = workload("ReplicaSet", replicas=40)
    assert [len(evicted(evicting(40, shape), allow(number))) for number in (0, 2, 9)] == [0, 2, 4]


def test_until_the_first_pod_is_checked_one_goes() -> None:
    """And no second before its replacement was seen."""
    shape = workload("ReplicaSet", replicas=40)
    assert len(evicted(evicting(40, shape), checked=False)) == 1
    assert evicted(evicting(39, shape), checked=False) == []
    assert evicted(evicting(39, shape, pod("web-99", NEW)), checked=False) == []


def test_pods_left_to_a_person_are_not_evicted() -> None:
    """Only open entries are the bot's to move."""
    shape = workload("ReplicaSet", replicas=2)
    one = flight(
        entry("web-0", "manual"), entry("web-1"), method="evict", workload=shape,
        pods=(pod("web-0", ready=0), pod("web-1")), stamp="x",
    )  # fmt: skip
    assert "web-0" not in evicted(one)


def ready(count: int, pods: int = 1) -> list[tuple[Flight, Any]]:
    """So many workloads that may begin, with so many pods each."""
    return [(flight(*(entry(f"{n}-{p}") for p in range(pods)), workload=workload()), Ready()) for n in range(count)]


@pytest.mark.parametrize(("limit", "checked", "begun"), [(3, True, 3), (0, True, 20), (3, False, 1), (0, False, 1)])
def test_no_more_begin_than_may_move(limit: int, checked: bool, begun: int) -> None:
    """The limit, 20 calls a turn, and one until the first pod is checked."""
    actions = choose_moves(ready(30), {}, Limits(workloads_at_once=limit), NO_LIMIT, checked, RELEASE)
    assert len(actions) == begun


def test_what_moves_already_takes_a_slot() -> None:
    """Begun workloads count against the limit."""
    moving = (flight(entry(), workload=workload(), stamp="x"), Underway(0))
    actions = choose_moves([moving, *ready(5)], {}, Limits(workloads_at_once=2), NO_LIMIT, True, RELEASE)
    assert len(actions) == 1


def test_the_pace_ends_a_batch() -> None:
    """The workload that overdraws the bucket is the last."""
    bucket = Bucket(300, 0, START)
    actions = choose_moves(ready(10, 50), {}, Limits(workloads_at_once=0), bucket, True, RELEASE)
    assert len(actions) == 2


def test_a_lost_restart_goes_before_everything_new() -> None:
    """What was begun is finished first."""
    astray = (flight(entry(), workload=workload(), stamp="x"), Underway(0, again=True))
    actions = choose_moves([*ready(1), astray], {}, Limits(), NO_LIMIT, True, RELEASE)
    assert [type(action) for action in actions] == [RestartAgain, Begin]


def test_evictions_are_paced_one_by_one() -> None:
    """A full bucket stops them."""
    one = evicting(40, workload("ReplicaSet", replicas=40))
    full = Bucket(60, 100, START)
    assert choose_moves([(one, Underway(0))], {}, Limits(), full, True, RELEASE) == ()
    free = choose_moves([(one, Underway(0))], {}, Limits(), NO_LIMIT, True, RELEASE)
    assert [type(action) for action in free] == [Evict] * 4


def test_nobody_is_evicted_before_the_controller_has_seen_the_last_change() -> None:
    """Its status still tells of the template before."""
    assert evicted(evicting(3, workload("DaemonSet", generation=2))) == []
