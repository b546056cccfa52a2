"""Who keeps the control plane besides the person who upgrades it, and would put an apply back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from steps.contract.errors import GiveUp
from steps.contract.ports import Kubernetes
from steps.contract.release import Release
from steps.mesh import Workload
from steps.workloads.owners import find_appliers

OPERATOR_API, OPERATOR_KIND = "install.istio.io/v1alpha2", "IstioControlPlane"
# What an apply writes and a GitOps tool may keep, besides workloads; other kinds carry the same marks.
MARKED_KINDS = ("ConfigMap", "Service")
SHOWN = 3


@dataclass(frozen=True)
class Ownership:
    """A sentence for each owner, and what could not be looked at."""

    owners: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def find_ownership(kubernetes: Kubernetes, release: Release, plane: Iterable[Workload]) -> Ownership:
    """Look for an in-cluster operator's custom resources and for the marks of GitOps tools; three requests."""
    unread: list[str] = []
    operators: tuple[str, ...] = ()
    try:
        operators = tuple(_describe_operators(kubernetes))
    except GiveUp as fault:
        unread.append(f"whether an istio-operator keeps the control plane is unknown: {fault.why}")
    marked: list[Mapping[str, Any]] = [_show_marks(one) for one in plane]
    try:
        for kind in MARKED_KINDS:
            marked.extend(kubernetes.list_objects("v1", kind, release.namespace))
    except GiveUp as fault:
        unread.append(f"whether a GitOps tool keeps {release.namespace} is known of its workloads alone: {fault.why}")
    return Ownership((*operators, *_describe_appliers(marked, release.namespace)), tuple(unread))


def _describe_operators(kubernetes: Kubernetes) -> Iterator[str]:
    for found in kubernetes.list_objects(OPERATOR_API, OPERATOR_KIND):
        meta = found["metadata"]
        name = f"{meta.get('namespace', '')}/{meta.get('name', '')}"
        yield (
            f"the {OPERATOR_KIND} {name} stands in the cluster: an istio-operator there puts the control plane back as "
            "that says"
        )


def _show_marks(workload: Workload) -> Mapping[str, Any]:
    ref = workload.ref
    return {
        "kind": ref.kind,
        "metadata": {"name": ref.name, "labels": workload.labels, "annotations": workload.annotations},
    }


def _describe_appliers(marked: Iterable[Mapping[str, Any]], namespace: str) -> Iterator[str]:
    for applier, names in sorted(find_appliers(marked).items(), key=lambda pair: str(pair[0])):
        if applier.reverts and applier.certain:
            more = f" and {len(names) - SHOWN} more objects" if len(names) > SHOWN else ""
            yield f"{applier} keeps {', '.join(names[:SHOWN])}{more} of {namespace} as its source says"
