"""Which pods of a listing are a workload's, and which of them count."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from steps.contract.release import Release
from steps.mesh import Owner, Pod, Workload
from steps.workloads.injection import is_target_image
from steps.workloads.inventory import is_finished, name_owner_kind

# The label with the hash that ends the name of a pod's ReplicaSet.
_HASH_LABELS = {"Deployment": "pod-template-hash", "Rollout": "rollouts-pod-template-hash"}


def pick_pods(pods: Iterable[Pod], workload: Workload, known: Collection[str] = ()) -> tuple[Pod, ...]:
    """Those of a namespace's pods that belong to the workload; `known` are uids of pods that were told to be its."""
    return tuple(pod for pod in pods if _belongs(pod, workload, known))


def _belongs(pod: Pod, workload: Workload, known: Collection[str]) -> bool:
    ref = workload.ref
    if pod.owner is None or pod.namespace != ref.namespace:
        return False
    kind = name_owner_kind(pod.owner)
    if ref.kind not in _HASH_LABELS:
        return (kind, pod.owner.name) == (ref.kind, ref.name)
    if kind != "ReplicaSet" or not workload.selector.items() <= pod.labels.items():
        return False
    return pod.uid in known or _may_be_made_by(workload, pod.owner, pod)


def _may_be_made_by(workload: Workload, owner: Owner, pod: Pod) -> bool:
    """Whether the pod's ReplicaSet is not one of another workload: selectors may overlap (stable and canary)."""
    hashes = {kind: pod.labels[label] for kind, label in _HASH_LABELS.items() if label in pod.labels}
    return not hashes or owner.name == f"{workload.ref.name}-{hashes.get(workload.ref.kind, '')}"


def is_live(pod: Pod) -> bool:
    """Whether the pod counts: neither on its way out nor ended."""
    return not pod.terminating and not is_finished(pod)


def has_target(pod: Pod, release: Release) -> bool:
    """Whether the pod carries the release's sidecar."""
    return bool(pod.proxy_image) and is_target_image(pod.proxy_image, release)
