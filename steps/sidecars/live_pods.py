"""Which pods of a listing are a workload's, and which of them count."""

from __future__ import annotations

from collections.abc import Iterable

from steps.injection import is_target_image
from steps.inventory import is_finished
from steps.mesh import Pod, Workload
from steps.release import Release

_OWNER_OF_PODS = {"Deployment": "ReplicaSet", "Rollout": "ReplicaSet"}


def pick_pods(pods: Iterable[Pod], workload: Workload) -> tuple[Pod, ...]:
    """Those of a namespace's pods that belong to the workload."""
    owner_kind = _OWNER_OF_PODS.get(workload.ref.kind)
    return tuple(pod for pod in pods if _belongs(pod, workload, owner_kind))


def _belongs(pod: Pod, workload: Workload, owner_kind: str | None) -> bool:
    if pod.owner is None or pod.namespace != workload.ref.namespace:
        return False
    if owner_kind is None:
        return (pod.owner.kind, pod.owner.name) == (workload.ref.kind, workload.ref.name)
    return pod.owner.kind == owner_kind and workload.selector.items() <= pod.labels.items()


def is_live(pod: Pod) -> bool:
    """Whether the pod counts: neither on its way out nor ended."""
    return not pod.terminating and not is_finished(pod)


def has_target(pod: Pod, release: Release) -> bool:
    """Whether the pod carries the release's sidecar."""
    return bool(pod.proxy_image) and is_target_image(pod.proxy_image, release)


def is_ready(pod: Pod) -> bool:
    """Whether all of the pod's containers are ready."""
    return pod.total > 0 and pod.ready >= pod.total
