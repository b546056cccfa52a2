"""Disks that one node can have at a time. By public texts alone: no server here proves it.

kubernetes 1.16, attach_detach_controller/reconciler: a ReadWriteOnce volume that is attached to a node is refused to
another with a Multi-Attach error, told as FailedAttachVolume on the pod, which stays in ContainerCreating.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.cluster.objects.objects import Json, is_pod_finished, name_of, namespace_of, uid_of
from sandbox.cluster.server.store import Store

_SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})


def find_multi_attach(store: Store, pod: Json) -> str:
    """Return the controller's sentence where a disk of the pod is on another node, "" where none is."""
    for claim in _single_claims(store, pod):
        holders = [name_of(other) for other in _users(store, claim) if _stands_elsewhere(other, pod)]
        if holders:
            volume = (claim.get("spec") or {}).get("volumeName") or f"pvc-{uid_of(claim)}"
            said = f'Multi-Attach error for volume "{volume}" Volume is already used by pod(s)'
            return f"{said} {', '.join(sorted(holders))}"
    return ""


def _single_claims(store: Store, pod: Json) -> Iterator[Json]:
    for name in _claim_names(pod):
        claim = store.find("persistentvolumeclaims", namespace_of(pod), name)
        if claim is not None and not _SHARED & set((claim.get("spec") or {}).get("accessModes") or ()):
            yield claim


def _users(store: Store, claim: Json) -> Iterator[Json]:
    pods = store.each("pods", namespace_of(claim))
    return (pod for pod in pods if name_of(claim) in _claim_names(pod) and not is_pod_finished(pod))


def _stands_elsewhere(other: Json, pod: Json) -> bool:
    node = other["spec"].get("nodeName")
    # Of two that wait for it, the one that has not come so far holds nothing.
    started = (other.get("status") or {}).get("phase") == "Running"
    return bool(node) and node != pod["spec"]["nodeName"] and started


def _claim_names(pod: Json) -> set[str]:
    rows = (volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ())
    return {row["claimName"] for row in rows if row}
