"""The wait for the new control plane."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from steps.contract.step import Blocked, Done, Waiting
from steps.mesh import Event
from steps.phases.control_plane.replacement import roll_out
from tests.unit.steps.builders import NEW, OLD, make_control_plane, make_pod
from tests.unit.steps.paper import Paper, start_paper


def replaced() -> Paper:
    """An upgrade whose control plane is on the target."""
    paper = start_paper(**{"control-plane/ingress": "203.0.113.7"})
    paper.kubernetes.workloads = make_control_plane(NEW)
    return paper


def test_a_replaced_control_plane_is_done() -> None:
    """The milestone sentence."""
    outcome = replaced().run(roll_out)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "control plane replaced: 5 workloads on 1.4.10-asm.18, promsd rolled out"


def test_a_rollout_in_progress_waits_with_the_guides_table() -> None:
    """The sentence names what is missing."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    paper.kubernetes.pods = [make_pod("istio-galley-1-a")]
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
    assert outcome.why == "istio-pilot-7-x is terminating for more than 10 min"


def test_the_ca_bundle_is_waited_for() -> None:
    """Apply resets it."""
    paper = replaced()
    paper.kubernetes.ca_bundle = False
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert "no CA bundle yet" in outcome.why


def test_an_unschedulable_pod_is_named_while_it_waits() -> None:
    """A cluster autoscaler may help within minutes."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    paper.kubernetes.pods = [make_pod("istio-galley-1-a", ready=0, problem="Unschedulable: 0/4 nodes are available")]
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert outcome.details[-1].startswith("istio-galley-1-a can't be scheduled")


def test_an_unschedulable_pod_blocks_in_the_end() -> None:
    """With its remedy."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    paper.kubernetes.pods = [make_pod("istio-galley-1-a", ready=0, problem="Unschedulable: 0/4 nodes are available")]
    paper.waited = timedelta(minutes=10)
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert "Add a node" in outcome.remedy


def test_a_stalled_pod_s_events_come_as_a_file() -> None:
    """So that nobody has to look for them."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    paper.kubernetes.pods = [make_pod("istio-galley-1-a", ready=1)]
    paper.kubernetes.events["istio-galley-1-a"] = (Event("Warning", "Unhealthy", "Readiness probe failed: 503", 7),)
    paper.waited = timedelta(minutes=10)
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
