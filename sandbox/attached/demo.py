"""What the sandbox puts into a cluster that it was given; every object bears the demo's label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.attached.kubelet import Nodes
from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.mesh.values import NAMESPACE
from sandbox.cluster.seeds.cluster_x import INSTALLED, list_workloads, mesh_options

Json = dict[str, Any]

LABEL = "asm-upgrade-sandbox"
MARK = {LABEL: "demo"}
SELECTOR = f"{LABEL}=demo"
OWN_NAMESPACE = "asm-upgrade-sandbox"
INJECTED = "istio-injection"
NODE_COUNT = 4
TOLERATION = {"key": LABEL, "operator": "Exists", "effect": "NoSchedule"}


def demo_nodes(version: str) -> Nodes:
    """Return the nodes that the demo's pods run on, and nobody else's but those of DaemonSets that go everywhere."""
    taint = {"key": LABEL, "value": "demo", "effect": "NoSchedule"}
    return Nodes(NODE_COUNT, 110, "asm-upgrade-sandbox", MARK, (taint,), version)


def describe_mesh() -> list[Json]:
    """Return the control plane of the previous release; its injector registers itself by its address later."""
    return _marked(render_mesh(INSTALLED, mesh_options()))


def describe_workloads() -> list[Json]:
    """Return what runs beside the mesh, as in the simulated cluster."""
    return _marked(list_workloads())


def list_namespaces() -> list[str]:
    """Name the namespaces of the demo, the mesh's first."""
    found = (made["metadata"]["name"] for made in list_workloads() if made["kind"] == "Namespace")
    return [NAMESPACE, *found, OWN_NAMESPACE]


def describe_placement(url: str, ca_bundle: str) -> Json:
    """Return the registration of the webhook that places the demo's pods on the demo's nodes."""
    config = {"url": url, "caBundle": ca_bundle}
    rules = [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["daemonsets"]},
    ]
    # asmctl starts examples in an injected namespace of its own.
    selectors = {"demo": MARK, "injected": {INJECTED: "enabled"}}
    hooks = [
        {"name": f"{name}.placement.{LABEL}.example", "clientConfig": config, "rules": rules, "failurePolicy": "Fail",
         "sideEffects": "None", "namespaceSelector": {"matchLabels": labels}}
        for name, labels in selectors.items()
    ]  # fmt: skip
    return describe_registration(f"{LABEL}-placement", hooks)


def describe_registration(name: str, hooks: list[Json]) -> Json:
    """Return a MutatingWebhookConfiguration of the demo's."""
    api = "admissionregistration.k8s.io/v1beta1"
    meta = {"name": name, "labels": MARK}
    return {"apiVersion": api, "kind": "MutatingWebhookConfiguration", "metadata": meta, "webhooks": hooks}


def describe_namespace(name: str) -> Json:
    """Return a namespace of the demo's."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": MARK}}


def is_marked(found: Json) -> bool:
    """Tell whether the demo made this object."""
    return (found["metadata"].get("labels") or {}).get(LABEL) == "demo"


def _marked(objects: Iterable[Json]) -> list[Json]:
    return [
        {**made, "metadata": {**made["metadata"], "labels": {**(made["metadata"].get("labels") or {}), **MARK}}}
        for made in objects
    ]
