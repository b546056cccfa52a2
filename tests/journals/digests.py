"""All that a run of istioctl may read of its cluster, as a digest; none in bad weather, when a read may fail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sandbox.cluster.http.server import SimulatedCluster

COMPONENT = "operator.istio.io/component"
# Who may read what, and which kinds there are to be read.
RULED_BY = ("rbac.authorization.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io")
# By its UID the guard knows the cluster again.
KNOWN_BY = "Namespace//kube-system"
# What the server counts and notes of an object, and kubectl compares with nothing.
COUNTED = frozenset({"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"})


def look_at(cluster: SimulatedCluster) -> str | None:
    """What a recording may read: components, rights and kinds."""
    objects, iam = list_objects(cluster), cluster.authorizer.iam
    return (
        None if objects is None else hash_json([iam, *(one for one in objects if is_component(one) or is_ruling(one))])
    )


def look_before_apply(cluster: SimulatedCluster, handed: Collection[str]) -> str | None:
    """What an apply may read besides: what kubectl compares with what is handed over, and whose cluster it is."""
    objects = list_objects(cluster)
    if objects is None:
        return None
    return hash_json([cluster.authorizer.iam, *_list_compared(objects, handed)])


def list_objects(cluster: SimulatedCluster) -> list[Mapping[str, Any]] | None:
    """The cluster's objects in an order of their own; None where not each read is answered as and when it should be."""
    with cluster.lock:
        faults = cluster.faults
        tokens = faults.expired_tokens or faults.expire_all_tokens
        if faults.requests or faults.latency or tokens or cluster.sky.show()["in_force"]:
            return None
        held = cluster.snapshot()["objects"]
    return [one for kind in sorted(held) for one in held[kind]]


def _list_compared(objects: list[Mapping[str, Any]], handed: Collection[str]) -> Iterator[Mapping[str, Any]]:
    for one in objects:
        if name_object(one) in handed or is_ruling(one):
            metadata = {name: value for name, value in one["metadata"].items() if name not in COUNTED}
            yield {**{name: value for name, value in one.items() if name != "status"}, "metadata": metadata}
        elif is_component(one) or name_object(one) == KNOWN_BY:
            yield one


def name_object(one: Mapping[str, Any]) -> str:
    """Kind, namespace and name: a manifest and its live object may be of two versions."""
    return f"{one['kind']}/{one['metadata'].get('namespace', '')}/{one['metadata']['name']}"


def is_component(one: Mapping[str, Any]) -> bool:
    """Whether istioctl's `kubectl get all --selector` may answer with it."""
    return COMPONENT in (one["metadata"].get("labels") or {})


def is_ruling(one: Mapping[str, Any]) -> bool:
    """Whether that may answer otherwise because of it."""
    return str(one["apiVersion"]).partition("/")[0] in RULED_BY


def hash_json(value: object) -> str:
    """SHA-256 of a JSON tree."""
    return hash_text(json.dumps(value, sort_keys=True))


def hash_text(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
