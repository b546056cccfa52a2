"""Who keeps a workload as it is, beyond Kubernetes' own controllers: an operator, a GitOps tool, Helm. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from steps.mesh import Owner

# Groups of Kubernetes' own kinds; an owner of any other is a custom resource, so an operator stands behind it.
_OWN_GROUPS = frozenset({"", "apps", "batch", "extensions", "argoproj.io"})
Marks: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Applier:
    """A tool that applies objects, and what it calls the set that this one belongs to.

    `reverts`: again and again; `certain`: its own marks say so.
    """

    tool: str
    name: str
    reverts: bool = True
    certain: bool = True

    def __str__(self) -> str:
        return f"{self.tool} ({self.name})" if self.name else self.tool


def find_operator(owner: Owner | None) -> str:
    """`Prometheus/main (monitoring.coreos.com)` where a custom resource owns it, "" otherwise."""
    if owner is None or owner.group in _OWN_GROUPS or owner.group.endswith(".k8s.io"):
        return ""
    return f"{owner.kind}/{owner.name} ({owner.group})"


def find_applier(labels: Marks, annotations: Marks) -> Applier | None:
    """The tool whose marks an object carries, None where it carries none."""
    return next((found for find in _FINDERS if (found := find(labels, annotations))), None)


def find_appliers(objects: Iterable[Mapping[str, Any]]) -> Mapping[Applier, tuple[str, ...]]:
    """The tools whose marks objects carry, each with the objects as Kind/name."""
    found: dict[Applier, list[str]] = {}
    for one in objects:
        meta = one.get("metadata") or {}
        applier = find_applier(meta.get("labels") or {}, meta.get("annotations") or {})
        if applier:
            found.setdefault(applier, []).append(f"{one.get('kind', '')}/{meta.get('name', '')}")
    return {applier: tuple(names) for applier, names in found.items()}


def _find_argo(labels: Marks, annotations: Marks) -> Applier | None:
    tracked = annotations.get("argocd.argoproj.io/tracking-id", "")
    instance = labels.get("argocd.argoproj.io/instance", "")
    if tracked or instance:
        return Applier("Argo CD", tracked.partition(":")[0] or instance)
    return None


def _find_flux(labels: Marks, annotations: Marks) -> Applier | None:
    for kind, group in (("Kustomization", "kustomize.toolkit.fluxcd.io"), ("HelmRelease", "helm.toolkit.fluxcd.io")):
        if name := labels.get(f"{group}/name"):
            return Applier("Flux", f"{kind} {labels.get(f'{group}/namespace', '')}/{name}")
    early = labels.get("fluxcd.io/sync-gc-mark") or annotations.get("fluxcd.io/sync-checksum")
    return Applier("Flux", "") if early else None


def _find_config_sync(labels: Marks, annotations: Marks) -> Applier | None:
    managed = labels.get("app.kubernetes.io/managed-by") == "configmanagement.gke.io"
    enabled = annotations.get("configmanagement.gke.io/managed") == "enabled"
    return Applier("Config Sync", "") if managed or enabled else None


def _find_helm(labels: Marks, annotations: Marks) -> Applier | None:
    release = annotations.get("meta.helm.sh/release-name", "")
    if release:
        return Applier("Helm", f"release {release}", reverts=False)
    # Helm itself writes the annotation; with the label alone its chart was rendered and applied by something else.
    if labels.get("app.kubernetes.io/managed-by") == "Helm":
        instance = labels.get("app.kubernetes.io/instance", "")
        return Applier("a Helm chart applied by another tool, maybe a GitOps one", instance, certain=False)
    return None


_FINDERS: tuple[Callable[[Marks, Marks], Applier | None], ...] = (_find_argo, _find_flux, _find_config_sync, _find_helm)
