"""Disks that one node can have at a time. By public texts alone: no server here proves it.

kubernetes 1.16, attach_detach_controller/reconciler: a ReadWriteOnce volume that is attached to a node is refused to
another with a Multi-Attach error, told as FailedAttachVolume on the pod, which stays in ContainerCreating. A node that
is heard no more can't say that it let a disk go: it is taken from it after six minutes (maxWaitForUnmountDuration).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandbox.cluster.objects.objects import Json, is_pod_finished, name_of, namespace_of, uid_of
from sandbox.cluster.server.store import Change, Store

FORCED_SECONDS = 360.0
_SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})


class Disks:
    """Which node has which disk: that of the pods that run with it, and one that can't say that it let it go."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        # By the claim's uid: the node that still has its disk, and until when.
        self._kept: dict[str, tuple[str, float]] = {}

    def keep(self, change: Change) -> None:
        """A pod is gone from a node that is heard no more: its disks stay there for a while."""
        if _runs(change.obj):
            node, until = str(change.obj["spec"].get("nodeName") or ""), self._now() + FORCED_SECONDS
            self._kept |= {uid_of(claim): (node, until) for claim in _single_claims(self._store, change.obj)}

    def clear(self) -> None:
        """Forget which nodes keep disks (before another state is loaded)."""
        self._kept.clear()

    def find_multi_attach(self, pod: Json) -> str:
        """Return the controller's sentence where a disk of the pod is on another node, "" where none is."""
        for claim in _single_claims(self._store, pod):
            said = f'Multi-Attach error for volume "{_volume_of(claim)}" Volume is already'
            holders = [name_of(other) for other in _users(self._store, claim) if _stands_elsewhere(other, pod)]
            if holders:
                return f"{said} used by pod(s) {', '.join(sorted(holders))}"
            node, until = self._kept.get(uid_of(claim), ("", 0.0))
            if self._now() < until and node != pod["spec"]["nodeName"]:
                return f"{said} exclusively attached to one node and can't be attached to another"
        return ""


def _volume_of(claim: Json) -> str:
    return (claim.get("spec") or {}).get("volumeName") or f"pvc-{uid_of(claim)}"


def _single_claims(store: Store, pod: Json) -> Iterator[Json]:
    for name in _claim_names(pod):
        claim = store.find("persistentvolumeclaims", namespace_of(pod), name)
        if claim is not None and not _SHARED & set((claim.get("spec") or {}).get("accessModes") or ()):
            yield claim


def _users(store: Store, claim: Json) -> Iterator[Json]:
    pods = store.each("pods", namespace_of(claim))
    return (pod for pod in pods if name_of(claim) in _claim_names(pod) and not is_pod_finished(pod))


def _stands_elsewhere(other: Json, pod: Json) -> bool:
    # Of two that wait for it, the one that has not come so far holds nothing.
    node = other["spec"].get("nodeName")
    return bool(node) and node != pod["spec"]["nodeName"] and _runs(other)


def _runs(pod: Json) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"


def _claim_names(pod: Json) -> set[str]:
    rows = (volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ())
    return {row["claimName"] for row in rows if row}
