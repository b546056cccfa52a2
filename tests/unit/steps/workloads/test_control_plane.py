"""Done conditions of the control plane."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from steps.mesh import Workload
from steps.workloads.control_plane import (
    describe_done,
    find_rollout_gap,
    format_age,
    format_pods,
    judge_workloads,
    write_pod_status,
)
from tests.unit.steps.builders import (
    HUB,
    NEW,
    NOW,
    OLD,
    list_rendered_images,
    make_control_plane,
    make_pod,
    make_workload,
    read_shipped_release,
)

RELEASE = read_shipped_release()


def workload(kind: str = "Deployment", **changes: Any) -> Workload:
    """A rolled-out workload, changed."""
    return make_workload("w", {}, kind, **changes)


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet"])
def test_a_settled_workload_has_no_gap(kind: str) -> None:
    """Of each kind."""
    assert find_rollout_gap(workload(kind)) == ""


@pytest.mark.parametrize(
    ("kind", "changes", "gap"),
    [
        ("Deployment", {"generation": 2}, "its change is not observed yet"),
        ("Deployment", {"updated": 1}, "1 of 2 pods updated"),
        ("Deployment", {"available": 1}, "1 of 2 pods available"),
        ("Deployment", {"current": 3}, "1 old pod still there"),
        ("DaemonSet", {"updated": 0}, "0 of 2 pods updated"),
        ("DaemonSet", {"available": 0}, "0 of 2 pods available"),
        ("StatefulSet", {"current_revision": "a", "update_revision": "b"}, "its revisions differ"),
    ],
)
def test_what_is_missing_is_said(kind: str, changes: dict[str, Any], gap: str) -> None:
    """Available alone would pass in the middle of a rollout."""
    assert find_rollout_gap(workload(kind, **changes)) == gap


def test_a_replaced_control_plane_misses_nothing() -> None:
    """All six workloads on their rendered images."""
    standings = judge_workloads(RELEASE, list_rendered_images(), make_control_plane(NEW))
    assert [s.missing for s in standings] == [""] * 6


def test_the_milestone_counts_what_carries_the_version() -> None:
    """promsd has tags of its own."""
    standings = judge_workloads(RELEASE, list_rendered_images(), make_control_plane(NEW))
    assert (
        describe_done(RELEASE, standings) == "control plane replaced: 5 workloads on 1.4.10-asm.18, promsd rolled out"
    )


def test_an_old_image_is_told_by_container() -> None:
    """Settled or not, it is not replaced."""
    standings = judge_workloads(RELEASE, list_rendered_images(), make_control_plane(OLD))
    wrong = {s.ref.name: s.wrong_image for s in standings}
    assert wrong["istio-pilot"] == f"istio-pilot/discovery is on {HUB}/pilot:{OLD}, not on {HUB}/pilot:{NEW}"
    assert wrong["promsd"] == ""


def test_a_missing_workload_is_told() -> None:
    """Deleted in the middle."""
    standings = judge_workloads(RELEASE, list_rendered_images(), make_control_plane(NEW)[1:])
    assert [s.missing for s in standings if s.missing] == ["istio-galley is missing"]


def test_an_optional_gateway_is_waited_for_too() -> None:
    """What is rendered counts, not only the release's list."""
    images = {
        **list_rendered_images(),
        "istio-system/Deployment/istio-egressgateway": {"istio-proxy": f"{HUB}/proxyv2:{NEW}"},
    }
    standings = judge_workloads(RELEASE, images, make_control_plane(NEW))
    assert [s.missing for s in standings if s.missing] == ["istio-egressgateway is missing"]


def test_without_rendered_images_the_tag_counts() -> None:
    """For an upgrade whose preview is not at hand."""
    standings = judge_workloads(RELEASE, {}, make_control_plane(OLD))
    assert [s.ref.name for s in standings if s.wrong_image] == [
        "istio-galley", "istio-ingressgateway", "istio-pilot", "istio-sidecar-injector", "istio-nodeagent",
    ]  # fmt: skip


def test_the_table_is_the_guides_with_old_and_new() -> None:
    """NAME READY STATUS AGE, and which version a pod is on."""
    pods = [
        make_pod("istio-pilot-5d-ds5dh", images=(f"{HUB}/pilot:{NEW}", f"{HUB}/proxyv2:{NEW}"), created=NOW),
        make_pod("istio-pilot-74-7r6qh", terminating=True, created=NOW - timedelta(minutes=25)),
    ]
    assert format_pods(pods, list_rendered_images(), NOW + timedelta(seconds=336)) == (
        "NAME                   READY   STATUS        AGE     VERSION",
        "istio-pilot-5d-ds5dh   2/2     Running       5m36s   new",
        "istio-pilot-74-7r6qh   2/2     Terminating   30m     old",
    )


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(20, "20s"), (-5, "0s"), (119, "119s"), (120, "2m"), (336, "5m36s"), (1500, "25m"), (10800, "3h"), (200000, "2d")],
)
def test_ages_are_written_as_kubectl_does(seconds: int, age: str) -> None:
    """A clock behind the cluster's gives 0s."""
    assert format_age(timedelta(seconds=seconds)) == age


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "Running"),
        ({"terminating": True}, "Terminating"),
        ({"ready": 1, "problem": "CrashLoopBackOff: back-off 5m0s"}, "CrashLoopBackOff"),
        ({"ready": 0, "phase": "Pending", "problem": "0/4 nodes are available: 4 Insufficient cpu."}, "Pending"),
    ],
)
def test_the_status_is_kubectls(changes: dict[str, Any], status: str) -> None:
    """As near as the reduced pod allows."""
    assert write_pod_status(make_pod("p", **changes)) == status
