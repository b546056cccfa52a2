"""What `kubectl apply --prune` takes away: labelled objects that an apply once made and this one doesn't have."""

from __future__ import annotations

from sandbox.release.kubectl.patches import LAST_APPLIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.release.tools.kube_api import Json, KubeApi

# kubectl's default prune kinds, in the namespaces of what is applied.
PRUNED_KINDS = (
    ("v1", "ConfigMap"),
    ("v1", "Endpoints"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("v1", "ReplicationController"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("batch/v1", "Job"),
    ("batch/v1beta1", "CronJob"),
    ("extensions/v1beta1", "Ingress"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
)
# And these, whatever is applied: a namespace that bears the label goes with all that is in it.
PRUNED_ANYWHERE = (
    ("v1", "Namespace"),
    ("v1", "PersistentVolume"),
)


def find_pruned(api: KubeApi, applied: list[Json], selector: str) -> list[Json]:
    """Return what goes after an apply of these objects, namespace by namespace. Raises KubeError."""
    kept = {_key(made) for made in applied}
    spaces = sorted({made["metadata"].get("namespace", "") for made in applied} - {""})
    found = [
        live
        for space in spaces
        for version, kind in PRUNED_KINDS
        for live in api.list(version, kind, space, selector=selector)
    ]
    found += [live for version, kind in PRUNED_ANYWHERE for live in api.list(version, kind, selector=selector)]
    return [live for live in found if _was_applied(live) and _key(live) not in kept]


def _was_applied(live: Json) -> bool:
    return LAST_APPLIED in (live["metadata"].get("annotations") or {})


def _key(made: Json) -> tuple[str, str, str]:
    return (made["kind"], made["metadata"].get("namespace", ""), made["metadata"]["name"])
