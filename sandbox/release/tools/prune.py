"""What `kubectl apply --prune` and istioctl's removal of disabled components would take away."""

from __future__ import annotations

from typing import Any

from sandbox.release.tools.kube_api import KubeApi
from sandbox.release.tools.rendering import COMPONENT_LABEL

Json = dict[str, Any]

# kubectl's default prune kinds, as far as a control plane has them.
PRUNED_KINDS = (
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "Job"),
)
# What `kubectl get all` lists.
ALL_KINDS = (
    ("v1", "Pod"),
    ("v1", "ReplicationController"),
    ("v1", "Service"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "Job"),
)


def left_over(api: KubeApi, component: str, rendered: list[Json]) -> list[Json]:
    """Return live objects of an enabled component that are no longer rendered."""
    kept = {_key(made) for made in rendered}
    return [live for live in _labelled(api, component, PRUNED_KINDS) if _key(live) not in kept]


def disabled_objects(api: KubeApi, component: str) -> list[Json]:
    """Return the live objects of a component that is not enabled."""
    return _labelled(api, component, ALL_KINDS)


def _labelled(api: KubeApi, component: str, kinds: tuple[tuple[str, str], ...]) -> list[Json]:
    selector = f"{COMPONENT_LABEL}={component}"
    found = (live for version, kind in kinds for live in api.list(version, kind, selector=selector))
    return [live for live in found if not live["metadata"].get("ownerReferences")]


def _key(made: Json) -> tuple[str, str, str]:
    return (made["kind"], made["metadata"].get("namespace", ""), made["metadata"]["name"])
