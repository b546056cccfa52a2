"""The wait for the new control plane."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from steps.contract.step import Blocked, Done, Outcome, Waiting
from steps.mesh import Event, Owner, Pod, WorkloadRef
from steps.phases.control_plane.replacement import roll_out
from tests.unit.steps.builders import NEW, OLD, make_control_plane, make_pod
from tests.unit.steps.paper import Paper, start_paper

NODEAGENT = "istio-nodeagent"


def replaced() -> Paper:
    """An upgrade whose control plane is on the target."""
    paper = start_paper(**{"control-plane/ingress": "203.0.113.7"})
    paper.kubernetes.workloads = make_control_plane(NEW)
    return paper


def stalled(pod: Pod) -> Paper:
    """A control plane whose first workload waits for this pod."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    paper.kubernetes.pods = [pod]
    return paper


def test_a_replaced_control_plane_is_done() -> None:
    """The milestone sentence."""
    outcome = replaced().run(roll_out)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "control plane replaced: 5 workloads on 1.4.10-asm.18, promsd rolled out"


def test_a_rollout_in_progress_waits_with_the_guides_table() -> None:
    """The sentence names what is missing."""
    paper = stalled(make_pod("istio-galley-1-a"))
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert outcome.why == "control plane: istio-galley: 1 of 2 pods updated"
    assert outcome.details[0].split() == ["NAME", "READY", "STATUS", "AGE", "VERSION"]


def test_a_terminating_pod_is_waited_for() -> None:
    """status.replicas leaves it out."""
    paper = replaced()
    paper.kubernetes.pods = [make_pod("istio-pilot-7-x", terminating=True)]
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert outcome.why == "control plane: istio-pilot-7-x is terminating"


def test_a_pod_that_terminates_too_long_blocks() -> None:
    """Since when is remembered across turns."""
    paper = replaced()
    paper.kubernetes.pods = [make_pod("istio-pilot-7-x", terminating=True)]
    paper.run(roll_out)
    paper.advance(timedelta(minutes=10))
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istio-pilot-7-x has been terminating for 10 min"


def test_the_ca_bundle_is_waited_for() -> None:
    """Apply resets it."""
    paper = replaced()
    paper.kubernetes.ca_bundle = False
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert "no CA bundle yet" in outcome.why


def test_an_unschedulable_pod_is_named_while_it_waits() -> None:
    """A cluster autoscaler may help within minutes."""
    paper = stalled(make_pod("istio-galley-1-a", ready=0, problem="Unschedulable: 0/4 nodes are available"))
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert outcome.details[-1].startswith("istio-galley-1-a can't be scheduled")


def test_an_unschedulable_pod_blocks_in_the_end() -> None:
    """With its remedy."""
    paper = stalled(make_pod("istio-galley-1-a", ready=0, problem="Unschedulable: 0/4 nodes are available"))
    paper.run(roll_out)
    paper.advance(timedelta(minutes=10))
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert "Add a node" in outcome.remedy


def test_a_stalled_pod_s_events_come_as_a_file() -> None:
    """So that nobody has to look for them."""
    paper = stalled(make_pod("istio-galley-1-a", ready=1))
    paper.kubernetes.events["istio-galley-1-a"] = (Event("Warning", "Unhealthy", "Readiness probe failed: 503", 7),)
    paper.run(roll_out)
    paper.advance(timedelta(minutes=10))
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert outcome.attachments[1].text == "Warning Unhealthy x7: Readiness probe failed: 503\n"


def test_a_control_plane_that_somebody_changed_blocks() -> None:
    """Its images were right when istioctl ended."""
    paper = replaced()
    paper.kubernetes.workloads = make_control_plane(OLD)
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith("after istioctl had put the rendered images in place, istio-galley/galley is on")


def test_the_wait_has_an_end_that_grows_with_the_nodes() -> None:
    """20 minutes and one for each node's agent."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, available=1), *rest)
    paper.waited = timedelta(minutes=21)
    assert isinstance(paper.run(roll_out), Waiting)
    paper.waited = timedelta(minutes=22)
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert "not rolled out after 22 min" in outcome.why


def test_a_changed_ingress_address_is_told() -> None:
    """DNS may name the old one."""
    paper = replaced()
    paper.kubernetes.ingress = "198.51.100.1"
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Done)
    assert "the ingress address was 203.0.113.7 and is now 198.51.100.1" in outcome.sentence


def wait_with(paper: Paper, *pods: Pod, minutes: float = 1) -> Outcome:
    """A turn of the wait with these pods, after so long."""
    paper.kubernetes.pods = list(pods)
    paper.advance(timedelta(minutes=minutes))
    return paper.run(roll_out)


def make_waiting() -> Paper:
    """A control plane whose first workload is still rolling out."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    return paper


@pytest.mark.parametrize("problem", ["", "Unschedulable: 0/4 nodes are available", "app ImagePullBackOff: no"])
def test_patience_counts_from_when_this_very_pod_was_first_seen_so(problem: str) -> None:
    """A hundred nodes, one after the other: each pod is 7 s old at its look, and none is stuck."""
    paper = make_waiting()
    for number in range(15):
        starting = make_pod(f"istio-nodeagent-{number}", ready=0, problem=problem, owner=Owner("DaemonSet", NODEAGENT))
        outcome = wait_with(paper, starting)
        assert isinstance(outcome, Waiting), outcome


def test_a_stall_tells_how_long_it_has_lasted() -> None:
    """Of that pod, not of the wait."""
    paper = make_waiting()
    wait_with(paper, minutes=5)
    stuck = make_pod("istio-galley-1-a", ready=1)
    wait_with(paper, stuck)
    assert isinstance(wait_with(paper, stuck, minutes=9), Waiting)
    outcome = wait_with(paper, stuck, minutes=3)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istio-galley-1-a runs and is not ready (1/2), for 12 min"


def test_a_pod_that_gets_on_starts_a_patience_anew() -> None:
    """Once it has a node, it may take its time to start."""
    paper = make_waiting()
    homeless = make_pod("istio-galley-1-a", ready=0, problem="Unschedulable: 0/4 nodes are available")
    wait_with(paper, homeless)
    wait_with(paper, homeless, minutes=9)
    assert isinstance(wait_with(paper, make_pod("istio-galley-1-a", ready=1), minutes=5), Waiting)


def test_a_clock_survives_a_restart_and_an_outage_does_not_count() -> None:
    """The time is remembered; the runner moves the beginning of the wait by what nobody saw."""
    paper = make_waiting()
    stuck = make_pod("istio-galley-1-a", ready=1)
    wait_with(paper, stuck)
    paper.now += timedelta(hours=3)
    paper.waited = timedelta(minutes=4)
    assert isinstance(paper.run(roll_out), Waiting)
    assert isinstance(wait_with(paper, stuck, minutes=6), Blocked)


LEFTOVERS = {
    "a pod that ran to its end": make_pod("istio-galley-1-a", ready=0, phase="Succeeded"),
    "a pod that was evicted from its node": make_pod(
        "istio-pilot-1-a", ready=0, phase="Failed", problem="Evicted: disk"
    ),
    "a preempted node's pod": make_pod("istio-pilot-1-b", ready=0, phase="Failed", problem="Error: NodeShutdown"),
    "a failed pod that a finalizer holds": make_pod("istio-pilot-1-c", ready=0, phase="Failed", terminating=True),
    "a pod that nobody owns": make_pod("debug", ready=0, owner=None, problem="app CrashLoopBackOff: back-off"),
    "a run to completion of somebody's": make_pod("report-x", ready=0, owner=Owner("Job", "report")),
    "a pod of a gateway of somebody's": make_pod("mine-x", ready=0, owner=Owner("StatefulSet", "mine")),
}


@pytest.mark.parametrize("pod", LEFTOVERS.values(), ids=LEFTOVERS.keys())
def test_leftovers_hold_nobody_up(pod: Pod) -> None:
    """They stand in the table, and are neither waited for nor a stall."""
    paper = replaced()
    paper.kubernetes.pods = [pod]
    assert isinstance(paper.run(roll_out), Done)
    paper = make_waiting()
    for _ in range(3):
        assert isinstance(wait_with(paper, pod, minutes=6), Waiting)


def test_an_orphaned_replica_sets_pods_hold_nobody_up() -> None:
    """Nothing of the control plane made them."""
    paper = replaced()
    orphan = replace(paper.kubernetes.workloads[0], ref=WorkloadRef("istio-system", "ReplicaSet", "istio-galley-1"))
    paper.kubernetes.workloads = (*paper.kubernetes.workloads, orphan)
    paper.kubernetes.pods = [make_pod("istio-galley-1-a", ready=0, problem="app CrashLoopBackOff: back-off")]
    assert isinstance(paper.run(roll_out), Done)


MULTI = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) istio-galley-1-b'


def waiting(*events: Event, age: timedelta = timedelta(minutes=2)) -> tuple[Paper, Waiting]:
    """A rollout two minutes old whose new pod says nothing itself, as it is told."""
    paper = replaced()
    paper.advance(timedelta(minutes=2))
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1, available=1), *rest)
    silent = make_pod("istio-galley-1-a", phase="Pending", ready=0, is_ready=False, created=paper.now - age)
    paper.kubernetes.pods = [silent]
    paper.kubernetes.events = {"istio-galley-1-a": events}
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    return paper, outcome


def test_a_pod_that_comes_up_without_a_word_is_asked_for_its_events() -> None:
    """What they say is told while the phase waits, and nobody promises a time."""
    _, outcome = waiting(Event("Normal", "Scheduled", "assigned"), Event("Warning", "FailedAttachVolume", MULTI))
    said = f"istio-galley-1-a: FailedAttachVolume: {MULTI}"
    assert outcome.why.endswith(f"; time left not known: waits for {said}")
    assert said in outcome.details


def test_a_pod_of_an_ordinary_age_is_asked_nothing() -> None:
    """Nor do ordinary events tell of a stall."""
    _, young = waiting(Event("Warning", "FailedAttachVolume", MULTI), age=timedelta(seconds=20))
    _, calm = waiting(Event("Normal", "Scheduled", "assigned"))
    assert "not known" not in young.why + calm.why


def test_lateness_does_not_hide_what_events_say() -> None:
    """Twenty minutes and more: the sentence has the reason, the remedy fits it."""
    paper, _ = waiting(Event("Warning", "FailedAttachVolume", MULTI))
    paper.advance(timedelta(hours=3))
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert outcome.why.endswith(f"; istio-galley-1-a: FailedAttachVolume: {MULTI}")
    assert "one node at a time" in outcome.remedy
