"""Values of a small cluster, made short for tests."""

from __future__ import annotations

import importlib.resources
from datetime import UTC, datetime
from typing import Any

from steps.contract.release import Release, parse_release
from steps.install.installed import OneVersion
from steps.install.recovery import PreviousInstall
from steps.mesh import ClusterAddress, ClusterIdentity, Node, Owner, Pod, Workload, WorkloadRef
from steps.notes.prepare import SidecarCounts
from steps.preflight.survey import Survey
from steps.versions import AsmVersion
from steps.workloads.placement import measure_rooms

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
HUB = "gcr.io/gke-release/asm"
OLD, NEW = "1.4.7-asm.0", "1.4.10-asm.18"
ADDRESS = ClusterAddress("cluster-x", "example-project", "us-central1-a", "cluster-x")
IMAGES = {
    "istio-galley": {"galley": "galley", "istio-proxy": "proxyv2"},
    "istio-ingressgateway": {"istio-proxy": "proxyv2", "ingress-sds": "node-agent-k8s"},
    "istio-pilot": {"discovery": "pilot", "istio-proxy": "proxyv2"},
    "istio-sidecar-injector": {"sidecar-injector-webhook": "sidecar_injector"},
    "istio-nodeagent": {"nodeagent": "node-agent-k8s"},
}
PROMSD = {"prometheus": "docker.io/prom/prometheus:v2.12.0", "sidecar": "gcr.io/stackdriver-prometheus/sidecar:0.7.5"}


def read_shipped_release() -> Release:
    """The release file that the bot ships."""
    name = "asm-1.4.10-asm.18.toml"
    return parse_release(importlib.resources.files("steps").joinpath("releases", name).read_text(), name)


def make_identity(**changes: Any) -> ClusterIdentity:
    """The identity of cluster-x."""
    fields: dict[str, Any] = {
        "project_id": "example-project",
        "project_number": "123456789012",
        "location": "us-central1-a",
        "name": "cluster-x",
        "workload_pool": "example-project.svc.id.goog",
        "mesh_id": "proj-123456789012",
        "server_version": "v1.16.15-gke.6000",
        "endpoint": "public",
    }
    return ClusterIdentity(**{**fields, **changes})


def make_workload(name: str, images: dict[str, str], kind: str = "Deployment", **changes: Any) -> Workload:
    """A workload of istio-system that is rolled out with two pods."""
    fields: dict[str, Any] = {
        "ref": WorkloadRef(changes.pop("namespace", "istio-system"), kind, name),
        "uid": f"uid-{name}",
        "resource_version": "1",
        "generation": 1,
        "observed_generation": 1,
        "replicas": 2,
        "current": 2,
        "updated": 2,
        "ready": 2,
        "available": 2,
        "images": images,
        "cpu_millis": 500,
        "memory_bytes": 2**30,
    }
    return Workload(**{**fields, **changes})


def make_control_plane(version: str, **changes: Any) -> tuple[Workload, ...]:
    """All six workloads of the guide's list, rolled out on a version."""
    return tuple(
        make_workload(
            name,
            name_images(name, version),
            "DaemonSet" if name == "istio-nodeagent" else "Deployment",
            **changes,
        )
        for name in (*IMAGES, "promsd")
    )


def name_images(name: str, version: str) -> dict[str, str]:
    """The images of a control-plane workload."""
    if name == "promsd":
        return dict(PROMSD)
    return {container: f"{HUB}/{image}:{version}" for container, image in IMAGES[name].items()}


def list_rendered_images(version: str = NEW) -> dict[str, dict[str, str]]:
    """The images as the preview keeps them."""
    kinds = {name: "DaemonSet" if name == "istio-nodeagent" else "Deployment" for name in (*IMAGES, "promsd")}
    return {f"istio-system/{kind}/{name}": name_images(name, version) for name, kind in kinds.items()}


def make_pod(name: str, **changes: Any) -> Pod:
    """A running 2/2 pod of istio-system."""
    fields: dict[str, Any] = {
        "namespace": "istio-system",
        "name": name,
        "uid": f"uid-{name}",
        "owner": Owner("ReplicaSet", name.rpartition("-")[0]),
        "proxy_image": f"{HUB}/proxyv2:{OLD}",
        "images": (f"{HUB}/pilot:{OLD}", f"{HUB}/proxyv2:{OLD}"),
        "ready": 2,
        "total": 2,
        "phase": "Running",
        "terminating": False,
        "created": NOW,
    }
    fields |= changes
    return Pod(**{"is_ready": fields["ready"] >= fields["total"], **fields})


def make_node(name: str = "node-1", **changes: Any) -> Node:
    """A node with four cores."""
    fields: dict[str, Any] = {
        "ready": True,
        "unschedulable": False,
        "cpu_millis": 4000,
        "memory_bytes": 16 * 2**30,
        "pods": 110,
    }
    return Node(name, **{**fields, **changes})


def make_survey(**changes: Any) -> Survey:
    """A survey of a healthy mesh on 1.4.7-asm.0 with 60 sidecars."""
    plane = make_control_plane(OLD)
    fields: dict[str, Any] = {
        "identity": make_identity(),
        "installed": OneVersion(AsmVersion(1, 4, 7, 0)),
        "previous": PreviousInstall(mtls="PERMISSIVE", trust_domain="example-project.svc.id.goog"),
        "control_plane": plane,
        "workloads": plane,
        "nodes": tuple(make_node(f"node-{number}") for number in range(4)),
        "sidecars": SidecarCounts(60, {OLD: 60}, {"shop": 40, "data": 20}),
        "policies": (),
    }
    fields |= changes
    if fields["nodes"]:
        standing = {(fields["nodes"][0].name, one.ref): one.current for one in fields["workloads"]}
        shapes = {one.ref: one for one in fields["workloads"]}
        fields = {"rooms": measure_rooms(fields["nodes"], standing, shapes), **fields}
    return Survey(**fields)
