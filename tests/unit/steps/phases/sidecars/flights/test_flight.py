from datetime import timedelta
from typing import Any

import pytest

from steps.mesh import Pod, Workload
from steps.phases.sidecars.flights.flight import (
    Discovered,
    Failing,
    Finished,
    Held,
    Misinjected,
    Ready,
    Underway,
    Verdict,
    judge,
    wants_pods,
)
from steps.workloads.method import Method
from steps.workloads.rollout import count_moved, is_rolled_out, is_stamped, scale_patience
from tests.unit.steps.paper_cluster import START
from tests.unit.steps.rig import load_release
from tests.unit.steps.shapes import NEW, entry, flight, pod, workload

RELEASE = load_release()
STAMP = "2026-03-02T09:00:00Z"
PLACED = workload(restarted_at=STAMP)
BEGUN: dict[str, Any] = {"stamp": STAMP, "clock": START}
OLD_PODS = (pod("web-1"), pod("web-2"), pod("web-3"))
NEW_PODS = (pod("web-4", NEW), pod("web-5", NEW), pod("web-6", NEW))
ENTRIES = (entry("web-1"), entry("web-2"), entry("web-3"))


def verdict(
    pods: tuple[Pod, ...] | None,
    shape: Workload | None = PLACED,
    method: Method = "restart",
    minutes: float = 0.5,
    **more: Any,
) -> Verdict:
    """What follows for the three entries, so long after the begin."""
    one = flight(*ENTRIES, method=method, workload=shape, pods=pods, **more)
    return judge(one, START + timedelta(minutes=minutes), RELEASE, 600)


def test_an_untouched_workload_is_ready() -> None:
    """Midpoint: approved, nothing stamped."""
    assert verdict(OLD_PODS, workload()) == Ready()


def test_a_workload_not_looked_at_is_not_begun() -> None:
    """Nothing is restarted on a guess."""
    assert isinstance(verdict(None, workload()), Held)


def test_a_rollout_of_somebody_else_holds_it() -> None:
    """Midpoint: approved, another template is on its way."""
    assert isinstance(verdict(OLD_PODS, workload(updated=1, current=4)), Held)


def test_a_rollout_of_somebody_else_is_not_waited_for_for_ever() -> None:
    """Held longer than its patience."""
    found = verdict(OLD_PODS, workload(updated=1, current=4), clock=START, minutes=60)
    assert isinstance(found, Failing)


def test_a_stamp_without_its_restart_is_restarted_again() -> None:
    """Midpoint: killed between remembering the stamp and sending it."""
    assert verdict(OLD_PODS, workload(), **BEGUN) == Underway(0, again=True)


def test_a_placed_restart_is_under_way() -> None:
    """Midpoint: killed after the restart was sent, nothing moved yet."""
    rolling = workload(restarted_at=STAMP, generation=2)
    assert verdict(OLD_PODS, rolling, **BEGUN) == Underway(0)


def test_a_half_moved_workload_counts_its_ready_replacements() -> None:
    """Midpoint: one of three replaced, one more not ready."""
    rolling = workload(restarted_at=STAMP, updated=2, current=4)
    pods = (OLD_PODS[0], NEW_PODS[0], pod("web-5", NEW, ready=1))
    assert verdict(pods, rolling, **BEGUN) == Underway(1)


def test_a_moved_workload_is_finished() -> None:
    """Midpoint: all moved, nothing recorded."""
    found = verdict(NEW_PODS, **BEGUN)
    assert isinstance(found, Finished)
    assert {one.state for one in found.entries} == {"upgraded"}


def test_a_moved_workload_is_finished_even_if_nobody_stamped_it() -> None:
    """Pods replaced by whatever means need no restart."""
    assert isinstance(verdict(NEW_PODS, workload()), Finished)


def test_old_pods_on_their_way_out_do_not_count() -> None:
    """A terminating old pod is still listed when the rollout is complete."""
    leaving = pod("web-1", terminating=True)
    assert isinstance(verdict((*NEW_PODS, leaving), **BEGUN), Finished)


def test_replacements_must_be_ready() -> None:
    """All moved, one not ready: not finished."""
    pods = (*NEW_PODS[:2], pod("web-6", NEW, ready=1))
    assert verdict(pods, **BEGUN) == Underway(2)


def test_a_restart_that_ended_without_moving_a_pod_is_made_anew_after_a_retry() -> None:
    """The stamp stands, the rollout is over, old pods are left."""
    assert verdict(OLD_PODS, fresh=True, **BEGUN) == Underway(0, anew=True)


def test_it_is_not_made_anew_before_a_retry() -> None:
    """One restart an attempt."""
    assert verdict(OLD_PODS, **BEGUN) == Underway(0)


def test_a_new_pod_with_the_old_sidecar_is_misinjected() -> None:
    """The injector injects something else."""
    found = verdict((*OLD_PODS[1:], pod("web-9")), **BEGUN)
    assert isinstance(found, Misinjected)


def test_a_new_pod_without_a_sidecar_is_misinjected() -> None:
    """The injector injects nothing."""
    found = verdict((*OLD_PODS[1:], pod("web-9", "")), **BEGUN)
    assert isinstance(found, Misinjected)


def test_an_unknown_old_pod_before_the_restart_is_discovered() -> None:
    """It was made before the control plane moved, and comes into the ledger first."""
    assert isinstance(verdict((*OLD_PODS, pod("web-9")), workload()), Discovered)


def test_an_unknown_old_pod_between_stamp_and_restart_is_discovered() -> None:
    """Midpoint: stamped, not sent; the pod is not the restart's doing."""
    assert isinstance(verdict((*OLD_PODS, pod("web-9")), workload(), **BEGUN), Discovered)


def test_a_deleted_workload_is_finished() -> None:
    """Workload and pods are gone."""
    found = verdict((), None, **BEGUN)
    assert isinstance(found, Finished)
    assert {one.state for one in found.entries} == {"gone"}


def test_orphans_are_left_to_a_person() -> None:
    """The workload is gone and two of its pods are not."""
    found = verdict(OLD_PODS[:2], None, **BEGUN)
    assert isinstance(found, Finished)
    assert [one.state for one in found.entries] == ["manual", "manual", "gone"]


def test_a_workload_scaled_to_0_is_finished() -> None:
    """No pod, none wanted."""
    found = verdict((), workload(replicas=0, restarted_at=STAMP), **BEGUN)
    assert isinstance(found, Finished)


@pytest.mark.parametrize(
    "shape",
    [
        workload(restarted_at=STAMP, paused=True),
        workload("StatefulSet", restarted_at=STAMP, strategy="OnDelete"),
        workload("StatefulSet", restarted_at=STAMP, partition=1),
    ],
)
def test_a_workload_changed_against_its_method_fails(shape: Workload) -> None:
    """Whoever changed it has to say what shall be."""
    assert isinstance(verdict(OLD_PODS, shape, **BEGUN), Failing)


@pytest.mark.parametrize(
    "shape",
    [
        workload(restarted_at=STAMP, updated=1, current=4, stalled=True),
        workload(restarted_at=STAMP, updated=0, failure="FailedCreate: exceeded quota"),
        workload(restarted_at=STAMP, updated=1, failure="FailedDelete: admission webhook"),
    ],
)
def test_a_controllers_complaint_fails_after_a_grace(shape: Workload) -> None:
    """Not at once: right after a retry the complaint is still the old one."""
    early, late = (verdict(OLD_PODS, shape, minutes=minutes, **BEGUN) for minutes in (0.5, 2))
    assert isinstance(early, Underway)
    assert isinstance(late, Failing)


@pytest.mark.parametrize("problem", ["app CrashLoopBackOff: back-off", "app ImagePullBackOff: no such image"])
def test_a_new_pod_that_does_not_start_fails(problem: str) -> None:
    """Told by the pod long before the deadline of its rollout."""
    rolling = workload(restarted_at=STAMP, updated=1, current=4)
    broken = pod("web-9", NEW, ready=1, problem=problem, restarts=3)
    found = verdict((*OLD_PODS, broken), rolling, minutes=2, **BEGUN)
    assert isinstance(found, Failing)
    assert found.pods == (broken,)


@pytest.mark.parametrize("problem", ["app ErrImagePull: i/o timeout", "app CreateContainerConfigError: no secret"])
@pytest.mark.parametrize(("seconds", "told"), [(7, False), (59, False), (61, True)])
def test_a_pods_fault_counts_from_when_that_pod_was_made(problem: str, seconds: float, told: bool) -> None:
    """In an attempt of an hour a pod of this moment may still find its image."""
    rolling = workload(restarted_at=STAMP, updated=1, current=4)
    made = START + timedelta(minutes=30) - timedelta(seconds=seconds)
    found = verdict(
        (*OLD_PODS, pod("web-9", NEW, ready=1, problem=problem, created=made)), rolling, minutes=30, **BEGUN
    )
    assert isinstance(found, Failing) == told


def test_patience_ends() -> None:
    """Whatever the reason, a person is asked in the end."""
    rolling = workload(restarted_at=STAMP, updated=1, current=4)
    assert isinstance(verdict(OLD_PODS, rolling, minutes=60, **BEGUN), Failing)


@pytest.mark.parametrize(("minutes", "late"), [(5, False), (15, True)])
def test_patience_counts_from_the_last_new_pod(minutes: float, late: bool) -> None:
    """Slow pods are waited for; once none comes any more a person is asked."""
    rolling = workload(restarted_at=STAMP, updated=1, current=4)
    made = pod("web-9", NEW, ready=1, created=START + timedelta(minutes=30))
    found = verdict((*OLD_PODS, made), rolling, minutes=30 + minutes, **BEGUN)
    assert isinstance(found, Failing) is late


def test_pods_that_come_for_ever_do_not_end_the_patience() -> None:
    """A workload whose new pods are thrown away again and again."""
    rolling = workload(restarted_at=STAMP, updated=1, current=4)
    made = pod("web-9", NEW, ready=1, created=START + timedelta(minutes=299))
    assert isinstance(verdict((*OLD_PODS, made), rolling, minutes=300, **BEGUN), Failing)


@pytest.mark.parametrize(("age", "told"), [(5, False), (15, True)])
def test_a_quota_that_lets_pods_through_is_no_fault(age: float, told: bool) -> None:
    """The complaint stands as long as old pods are in the way."""
    squeezed = workload(restarted_at=STAMP, updated=1, current=3, failure="FailedCreate: exceeded quota")
    made = pod("web-9", NEW, created=START + timedelta(minutes=1))
    found = verdict((*OLD_PODS, made), squeezed, minutes=1 + age, **BEGUN)
    assert isinstance(found, Failing) is told


def test_an_eviction_in_the_middle_goes_on() -> None:
    """Midpoint: one pod evicted and replaced, nothing recorded."""
    pods = (*OLD_PODS[1:], NEW_PODS[0])
    assert verdict(pods, workload("ReplicaSet"), "evict", **BEGUN) == Underway(1)


def test_an_eviction_stops_when_the_template_changed() -> None:
    """The replacement would run something else."""
    changed = workload("ReplicaSet", images={"app": "app:2"})
    assert isinstance(verdict(OLD_PODS, changed, "evict", **BEGUN), Failing)


def test_status_alone_counts_what_is_surely_moved() -> None:
    """Between looks at the pods the controller's numbers do."""
    rolling = workload(restarted_at=STAMP, updated=2, current=4, available=3)
    assert verdict(None, rolling, **BEGUN) == Underway(1)


@pytest.mark.parametrize(
    ("shape", "minutes", "wanted"),
    [
        (workload(restarted_at=STAMP, generation=2), 0.5, False),
        (workload(restarted_at=STAMP, updated=1, current=4), 0.5, False),
        (workload(restarted_at=STAMP, updated=1, current=4), 2, True),
        (workload(restarted_at=STAMP, updated=3, current=4, available=4), 2, False),
        (workload(restarted_at=STAMP, updated=3, current=4, available=4), 60, True),
        (workload(restarted_at=STAMP), 0.5, True),
        (workload(), 0.5, True),
        (workload(restarted_at=STAMP, updated=1, stalled=True), 0.5, True),
        (None, 0.5, True),
    ],
)
def test_pods_are_looked_at_only_where_the_status_does_not_do(
    shape: Workload | None, minutes: float, wanted: bool
) -> None:
    """Each look costs a request."""
    one = flight(*ENTRIES, workload=shape, **BEGUN)
    assert wants_pods(one, START + timedelta(minutes=minutes), checked=True, patience=600) is wanted


def test_until_the_first_pod_is_checked_pods_are_looked_at() -> None:
    """The check needs them."""
    one = flight(*ENTRIES, workload=workload(restarted_at=STAMP, generation=2), **BEGUN)
    assert wants_pods(one, START, checked=False, patience=600)


@pytest.mark.parametrize(
    ("shape", "done"),
    [
        (workload(), True),
        (workload(generation=2), False),
        (workload(updated=2), False),
        (workload(current=4), False),
        (workload(available=2), False),
        (workload("StatefulSet"), True),
        (workload("StatefulSet", update_revision="r2"), False),
        (workload("StatefulSet", ready=2), False),
        (workload("DaemonSet"), True),
        (workload("DaemonSet", updated=2), False),
        (workload(replicas=0), True),
    ],
)
def test_a_rollout_is_done_as_kubectl_says(shape: Workload, done: bool) -> None:
    """And a partition never passes for done."""
    assert is_rolled_out(shape) is done


def test_an_unobserved_restart_has_moved_nothing() -> None:
    """The numbers are still those of the rollout before."""
    assert count_moved(workload(generation=2)) == 0


@pytest.mark.parametrize(
    ("restarted_at", "stamped"),
    [
        ("2026-03-02T09:00:00Z", True),
        ("2026-03-02T10:00:00+01:00", True),
        ("2026-03-02T09:30:00+01:00", False),
        ("2026-03-02T10:00:00Z", True),
        ("", False),
        ("yesterday", False),
    ],
)
def test_a_stamp_is_compared_as_a_time(restarted_at: str, stamped: bool) -> None:
    """kubectl writes the zone of whoever ran it."""
    assert is_stamped(workload(restarted_at=restarted_at), STAMP) is stamped


def test_patience_grows_with_size_and_strategy() -> None:
    """A StatefulSet goes one by one, a Deployment by its surge."""
    ordered = scale_patience(workload("StatefulSet", replicas=40), 40, 600)
    surging = scale_patience(workload(replicas=40, max_surge="25%", max_unavailable="25%"), 40, 600)
    assert (ordered.total_seconds(), surging.total_seconds()) == (600 + 40 * 60, 600 + 2 * 60)


def test_patience_grows_with_the_rounds_that_a_budget_asks_for() -> None:
    """Evicted one by one, whatever the strategy would allow."""
    shape = workload(replicas=40, max_surge="25%", max_unavailable="25%")
    assert scale_patience(shape, 40, 600, 40).total_seconds() == 600 + 40 * 60
