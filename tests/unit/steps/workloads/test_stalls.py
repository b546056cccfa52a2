"""Stalls told apart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from steps.mesh import InjectorWebhook
from steps.workloads.stalls import Stall, choose_overdue, explain_webhook_gap, find_stalls, find_webhook_gap
from tests.unit.steps.builders import make_pod, make_workload


def age(stalls: Iterable[Stall], minutes: float) -> dict[str, timedelta]:
    """The stalls as they are after so many minutes."""
    return {stall.key: timedelta(minutes=minutes) for stall in stalls}


def stalled_pod(problem: str, **changes: Any) -> tuple[Stall, ...]:
    """The stalls of one pod that isn't ready."""
    return find_stalls((), [make_pod("istio-pilot-x", ready=0, problem=problem, **changes)])


def stalled_workload(**changes: Any) -> tuple[Stall, ...]:
    """The stalls of one Deployment."""
    return find_stalls([make_workload("istio-pilot", {}, **changes)], ())


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        ("Unschedulable: 0/4 nodes are available: 4 Insufficient cpu.", "Unschedulable"),
        ("0/4 nodes are available: 4 Insufficient memory.", "Unschedulable"),
        ("ImagePullBackOff: Back-off pulling image", "image pull"),
        ("ErrImagePull: denied", "image pull"),
        ("CrashLoopBackOff: back-off 5m0s restarting failed container", "readiness"),
        ("OOMKilled", "readiness"),
        ("Readiness probe failed: 503", "readiness"),
    ],
)
def test_a_pod_s_problem_has_its_kind(problem: str, kind: str) -> None:
    """And a remedy."""
    (stall,) = stalled_pod(problem)
    assert (stall.kind, bool(stall.remedy)) == (kind, True)


@pytest.mark.parametrize("problem", ["", "ContainerCreating", "PodInitializing"])
def test_a_pod_that_is_starting_is_no_stall(problem: str) -> None:
    """Waiting reasons of an ordinary start."""
    assert stalled_pod(problem, phase="Pending") == ()


def test_a_running_pod_that_never_gets_ready_is_a_stall_in_the_end() -> None:
    """Its readiness probe fails without a word in its status."""
    stalls = stalled_pod("")
    assert choose_overdue(stalls, age(stalls, 9)) is None
    overdue = choose_overdue(stalls, age(stalls, 10))
    assert overdue is not None
    assert overdue.sentence == "istio-pilot-x runs and is not ready (0/2), for 10 min"


def test_a_ready_pod_with_an_old_problem_is_no_stall() -> None:
    """The last termination is history once the pod is ready."""
    assert find_stalls((), [make_pod("p", problem="Error")]) == ()


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ('pods "x" is forbidden: exceeded quota: compute, requested: cpu=1', "quota"),
        ('Internal error occurred: failed calling webhook "policy.example": timeout', "webhook"),
    ],
)
def test_a_replica_failure_has_its_kind(failure: str, kind: str) -> None:
    """No pod exists to tell it."""
    (stall,) = stalled_workload(failure=failure)
    assert stall.kind == kind


def test_a_missed_deadline_is_a_stall() -> None:
    """ProgressDeadlineExceeded."""
    (stall,) = stalled_workload(stalled=True)
    assert stall.sentence == "istio-pilot made no progress for 10 min"


def test_an_earlier_generation_s_deadline_is_none() -> None:
    """The controller has not looked at the change yet."""
    assert stalled_workload(stalled=True, generation=5) == ()


def test_a_stall_is_given_time() -> None:
    """A cluster autoscaler needs minutes."""
    stalls = stalled_pod("0/4 nodes are available: 4 Insufficient cpu.")
    assert choose_overdue(stalls, age(stalls, 9)) is None
    overdue = choose_overdue(stalls, age(stalls, 10))
    assert overdue is not None
    assert overdue.sentence == f"{stalls[0].sentence}, for 10 min"


def test_a_missed_deadline_is_told_with_its_reason() -> None:
    """The remedy is that of the reason."""
    stalls = (*stalled_pod("0/4 nodes are available: 4 Insufficient cpu."), *stalled_workload(stalled=True))
    overdue = choose_overdue(stalls, age(stalls, 1))
    assert overdue is not None
    assert overdue.sentence.startswith("istio-pilot made no progress for 10 min: istio-pilot-x can't be scheduled")
    assert overdue.remedy == stalls[0].remedy


def test_a_missed_deadline_is_not_blamed_on_another_workload_s_pod() -> None:
    """Each reason belongs to its own workload."""
    other = find_stalls((), [make_pod("istio-galley-x", ready=0, problem="ImagePullBackOff")])
    stalls = (*other, *stalled_workload(stalled=True))
    overdue = choose_overdue(stalls, age(stalls, 1))
    assert overdue is not None
    assert overdue.sentence == "istio-pilot made no progress for 10 min"


@pytest.mark.parametrize(
    ("ca_bundle", "endpoints", "gap"),
    [
        (True, 1, ""),
        (False, 1, "the injector's webhook has no CA bundle yet"),
        (True, 0, "the injector has no ready endpoint"),
    ],
)
def test_the_webhook_s_gap(ca_bundle: bool, endpoints: int, gap: str) -> None:
    """Apply resets the bundle; the injector puts it back."""
    webhook = InjectorWebhook("istio-sidecar-injector", ca_bundle, "Fail", "istio-system", "istio-sidecar-injector", {})
    assert find_webhook_gap(webhook, endpoints) == gap


def test_an_absent_webhook_is_a_gap() -> None:
    """Pods would start without a sidecar."""
    assert find_webhook_gap(None, 1) == "the injector's webhook is not registered"


def test_a_lasting_webhook_gap_names_port_9443() -> None:
    """The usual reason on a private cluster."""
    stalls = (explain_webhook_gap("no endpoint"),)
    overdue = choose_overdue(stalls, age(stalls, 60))
    assert overdue is not None
    assert "9443" in overdue.remedy


@pytest.mark.parametrize(
    ("problem", "remedy"),
    [
        (
            'ReadinessGatesNotReady: corresponding condition of pod readiness gate "neg" does not exist.',
            "load balancer",
        ),
        ("", "kubectl get node node-7"),
    ],
)
def test_a_pod_whose_containers_alone_are_ready_is_a_stall(problem: str, remedy: str) -> None:
    """Out of service all the same, and the remedy is not its log."""
    pod = make_pod("istio-ingressgateway-x", is_ready=False, problem=problem, node="node-7")
    (stall,) = find_stalls((), [pod])
    assert stall.sentence.startswith("istio-ingressgateway-x is out of service with all 2 containers ready: ")
    assert remedy in stall.remedy
