"""Operators and GitOps tools that own what the upgrade changes, and put it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sandbox.cluster.controllers.reverting import KEPT_KINDS, Grip
from sandbox.cluster.objects.objects import Json, copy_json, name_of, namespace_of, owner_reference
from sandbox.cluster.simulation import Simulation

Tool: TypeAlias = Literal["argo-cd", "flux", "config-sync"]
_WORKLOADS: Mapping[str, str] = {
    "Deployment": "deployments.apps",
    "StatefulSet": "statefulsets.apps",
    "DaemonSet": "daemonsets.apps",
}
_DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


@dataclass(frozen=True)
class OperatorReverts:
    """A workload is made by an operator from a custom resource, and so is its template, at once or after seconds."""

    namespace: str = "shop"
    kind: str = "Deployment"
    workload: str = "cart"
    manager: str = "shop-operator"
    after: float = 2.0

    def begin(self, cluster: Simulation) -> None:
        key = _WORKLOADS[self.kind]
        live = cluster.api.get(cluster.resources.by_key(key), self.namespace, self.workload)
        owned: Json = copy_json(live)
        resource = _ensure_custom_resource(cluster, _SHOPS, self.namespace, self.workload)
        owned["metadata"]["ownerReferences"] = [owner_reference(resource)]
        owned = cluster.api.put_if_changed(key, live, owned, manager=None)
        cluster.loops.owners.take_over(key, owned, Grip(self.manager, self.after))

    def end(self, cluster: Simulation) -> None:
        cluster.loops.owners.let_go(self.manager)


@dataclass(frozen=True)
class GitopsReverts:
    """A GitOps tool keeps every workload and ConfigMap of a namespace as git says."""

    namespace: str = "shop"
    tool: Tool = "argo-cd"
    after: float = 5.0

    def begin(self, cluster: Simulation) -> None:
        for key in KEPT_KINDS:
            for live in list(cluster.store.each(key, self.namespace)):
                marked = _mark(self.tool, key, live)
                kept = cluster.api.put_if_changed(key, live, marked, manager=None)
                cluster.loops.owners.take_over(key, kept, Grip(_MANAGERS[self.tool], self.after))

    def end(self, cluster: Simulation) -> None:
        cluster.loops.owners.let_go(_MANAGERS[self.tool])


@dataclass(frozen=True)
class MeshOperator:
    """An istio-operator in the cluster puts the control plane back as its IstioControlPlane says."""

    after: float = 5.0

    def begin(self, cluster: Simulation) -> None:
        if cluster.store.find("namespaces", "", _MESH_OPERATOR) is None:
            body = {"metadata": {"name": _MESH_OPERATOR}}
            cluster.api.create(cluster.resources.by_key("namespaces"), "", body)
        _ensure_custom_resource(cluster, _CONTROL_PLANES, _MESH_OPERATOR, "example-istiocontrolplane")
        for key in KEPT_KINDS:
            for live in list(cluster.store.each(key, "istio-system")):
                cluster.loops.owners.take_over(key, live, Grip(_MESH_OPERATOR, self.after))

    def end(self, cluster: Simulation) -> None:
        cluster.loops.owners.let_go(_MESH_OPERATOR)


_MANAGERS: Mapping[Tool, str] = {
    "argo-cd": "argocd-controller",
    "flux": "kustomize-controller",
    "config-sync": "configsync",
}
_MESH_OPERATOR = "istio-operator"


def _mark(tool: Tool, key: str, obj: Json) -> Json:
    """The object with the labels and annotations by which the tool knows it again."""
    group, kind = key.partition(".")[2], obj.get("kind", key)
    place = f"{namespace_of(obj)}/{name_of(obj)}"
    marks: Mapping[Tool, tuple[Json, Json]] = {
        "argo-cd": (
            {"app.kubernetes.io/instance": "shop"},
            {"argocd.argoproj.io/tracking-id": f"shop:{group}/{kind}:{place}"},
        ),
        "flux": (
            {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
            {},
        ),
        "config-sync": (
            {"app.kubernetes.io/managed-by": "configmanagement.gke.io"},
            {"configmanagement.gke.io/managed": "enabled"},
        ),
    }
    labels, annotations = marks[tool]
    marked: Json = copy_json(obj)
    metadata = marked["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **annotations}
    return marked


@dataclass(frozen=True)
class _CustomKind:
    """A kind that an operator defines."""

    group: str
    version: str
    kind: str

    @property
    def plural(self) -> str:
        return f"{self.kind.lower()}s"


_SHOPS = _CustomKind("example.com", "v1", "Shop")
_CONTROL_PLANES = _CustomKind("install.istio.io", "v1alpha2", "IstioControlPlane")


def _ensure_custom_resource(cluster: Simulation, kind: _CustomKind, namespace: str, name: str) -> Json:
    """Return the custom resource of this name, made with its definition where there is none."""
    definition = f"{kind.plural}.{kind.group}"
    if cluster.store.find(_DEFINITIONS, "", definition) is None:
        cluster.api.create(cluster.resources.by_key(_DEFINITIONS), "", _define(kind), version="v1")
    resource = cluster.resources.by_key(definition)
    found = cluster.store.find(resource.key, namespace, name)
    body = {
        "apiVersion": f"{kind.group}/{kind.version}", "kind": kind.kind,
        "metadata": {"name": name, "namespace": namespace}, "spec": {},
    }  # fmt: skip
    return found or cluster.api.create(resource, namespace, body, version=kind.version)


def _define(kind: _CustomKind) -> Json:
    names = {"kind": kind.kind, "plural": kind.plural, "singular": kind.kind.lower()}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": kind.version, "served": True, "storage": True, "schema": schema}]
    spec = {"group": kind.group, "names": names, "scope": "Namespaced", "versions": versions}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"}, "spec": spec,
    }  # fmt: skip
