from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from bot.gateways.kubernetes.pods import reduce_pod
from bot.gateways.kubernetes.wire import PodItem
from steps.mesh import Owner, Pod

PROXY = "gcr.io/gke-release/asm/proxyv2:1.4.7-asm.0"


def pod_of(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **meta: Any) -> Pod:
    """Decode a pod as the API server writes it."""
    described = {
        "metadata": {
            "name": "web-1",
            "namespace": "shop",
            "uid": "u1",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            **meta,
        },
        "spec": {
            "containers": [{"name": "app", "image": "app:1"}, {"name": "istio-proxy", "image": PROXY}],
            **(spec or {}),
        },
        "status": {"phase": "Running", **(status or {})},
    }
    return reduce_pod(msgspec.json.decode(msgspec.json.encode(described), type=PodItem), {})


def container_status(name: str, ready: bool = True, **fields: Any) -> dict[str, Any]:
    """Describe a container's status."""
    return {"name": name, "ready": ready, "restartCount": 0, **fields}


def test_the_proxys_image_is_that_of_the_spec() -> None:
    """The runtime may normalise the image in the status."""
    status = {"containerStatuses": [container_status("istio-proxy", image="sha256:abc")]}
    assert pod_of(status=status).proxy_image == PROXY


def test_a_pod_without_a_sidecar_has_no_proxy_image() -> None:
    """Absence is an empty text."""
    assert pod_of({"containers": [{"name": "app", "image": "app:1"}]}).proxy_image == ""


def test_ready_counts_ready_containers() -> None:
    """READY 1/2 is what kubectl shows."""
    found = pod_of(
        status={"containerStatuses": [container_status("app"), container_status("istio-proxy", ready=False)]}
    )
    assert (found.ready, found.total) == (1, 2)


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([], False),
        ([{"type": "ContainersReady", "status": "True"}], False),
        ([{"type": "ContainersReady", "status": "True"}, {"type": "Ready", "status": "True"}], True),
        ([{"type": "ContainersReady", "status": "True"}, {"type": "Ready", "status": "False"}], False),
        ([{"type": "Ready", "status": "Unknown"}], False),
    ],
)
def test_a_pod_is_ready_by_its_ready_condition(conditions: list[dict[str, str]], ready: bool) -> None:
    """Never by its containers: a gate or a lost node keeps 2/2 out of service."""
    statuses = [container_status("app"), container_status("istio-proxy")]
    found = pod_of(status={"containerStatuses": statuses, "conditions": conditions})
    assert (found.ready, found.total, found.is_ready) == (2, 2, ready)


def test_native_sidecars_count() -> None:
    """A restartable init container is one of READY's containers, and may be the proxy."""
    spec = {
        "containers": [{"name": "app", "image": "app:1"}],
        "initContainers": [
            {"name": "istio-init", "image": PROXY},
            {"name": "istio-proxy", "image": PROXY, "restartPolicy": "Always"},
        ],
    }
    status = {
        "containerStatuses": [container_status("app")],
        "initContainerStatuses": [container_status("istio-init"), container_status("istio-proxy")],
    }
    found = pod_of(spec, status)
    assert (found.proxy_image, found.ready, found.total) == (PROXY, 2, 2)


def test_only_the_controlling_owner_counts() -> None:
    """An owner reference without controller is no owner."""
    references = [
        {"kind": "Thing", "name": "t", "uid": "1", "apiVersion": "x/v1"},
        {"kind": "ReplicaSet", "name": "web-abc", "uid": "2", "apiVersion": "apps/v1", "controller": True},
    ]
    assert pod_of(ownerReferences=references).owner == Owner("ReplicaSet", "web-abc", "2", "apps")


def test_a_bare_pod_has_no_owner() -> None:
    """It would not come back."""
    assert pod_of().owner is None


def test_only_istios_annotations_are_kept() -> None:
    """An inventory of thousands of pods holds no last-applied-configuration."""
    annotations = {
        "sidecar.istio.io/inject": "false",
        "kubernetes.io/config.mirror": "abc",
        "kubectl.kubernetes.io/last-applied-configuration": "x" * 1000,
    }
    assert set(pod_of(annotations=annotations).annotations) == {
        "sidecar.istio.io/inject",
        "kubernetes.io/config.mirror",
    }


def test_a_deleted_pod_is_terminating() -> None:
    """A deletion timestamp is all that marks it."""
    assert pod_of(deletionTimestamp="2026-01-01T00:00:30Z").terminating


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ({}, ""),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/4 nodes"}
                ],
            },
            "Unschedulable: 0/4 nodes",
        ),
        (
            {"containerStatuses": [container_status("app", False, state={"waiting": {"reason": "ContainerCreating"}})]},
            "",
        ),
        (
            {
                "containerStatuses": [
                    container_status("app", False, state={"waiting": {"reason": "ImagePullBackOff", "message": "no"}})
                ]
            },
            "app ImagePullBackOff: no",
        ),
        (
            {
                "containerStatuses": [
                    container_status(
                        "app",
                        False,
                        state={"running": {}},
                        lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                    )
                ]
            },
            "app ended with 137 (OOMKilled)",
        ),
        (
            {
                "containerStatuses": [
                    container_status("app", True, lastState={"terminated": {"exitCode": 1, "reason": "Error"}})
                ]
            },
            "",
        ),
        ({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}, "Evicted: low on memory"),
        (
            {
                "containerStatuses": [container_status("app"), container_status("istio-proxy")],
                "conditions": [
                    {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "message": "no gate"}
                ],
            },
            "ReadinessGatesNotReady: no gate",
        ),
    ],
)
def test_the_problem_is_told(status: dict[str, Any], problem: str) -> None:
    """Why a pod isn't ready, in the cluster's own words; what was overcome is no problem."""
    assert pod_of(status=status).problem == problem


def test_restarts_are_added_up() -> None:
    """Over all containers."""
    statuses = [container_status("app", restartCount=2), container_status("istio-proxy", restartCount=3)]
    assert pod_of(status={"containerStatuses": statuses}).restarts == 5


def test_a_container_named_like_the_proxy_is_not_the_proxy() -> None:
    """Only the name istio-proxy itself counts."""
    named = [{"name": name, "image": "x:1"} for name in ("istio-proxy-config", "my-istio-proxy")]
    assert pod_of({"containers": named}).proxy_image == ""


def test_the_hosts_network_is_told() -> None:
    """Such a pod gets no sidecar."""
    assert pod_of({"hostNetwork": True}).host_network


ENDED = {"terminated": {"exitCode": 0, "reason": "Completed"}}
RUNS = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("app", "proxy", "phase", "spent"),
    [
        (ENDED, RUNS, "Running", True),
        (RUNS, RUNS, "Running", False),
        ({"terminated": {"exitCode": 1, "reason": "Error"}}, RUNS, "Running", False),
        (ENDED, ENDED, "Succeeded", False),
        ({"waiting": {"reason": "ContainerCreating"}}, {"waiting": {"reason": "ContainerCreating"}}, "Pending", False),
    ],
)
def test_a_pod_whose_proxy_alone_runs_on_is_spent(
    app: dict[str, Any], proxy: dict[str, Any], phase: str, spent: bool
) -> None:
    """Its own containers have ended well; before Kubernetes 1.28 nothing ends the sidecar."""
    rows = [container_status("app", False, state=app), container_status("istio-proxy", False, state=proxy)]
    assert pod_of(status={"phase": phase, "containerStatuses": rows}).spent is spent


def test_since_when_a_pod_is_not_ready_is_known() -> None:
    """By its own condition; nothing where it is ready."""
    row = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-02T03:04:05Z"}
    assert pod_of(status={"conditions": [row]}).unready_since == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert pod_of(status={"conditions": [{**row, "status": "True"}]}).unready_since is None
    assert pod_of(status={"conditions": [{**row, "lastTransitionTime": None}]}).unready_since is None
