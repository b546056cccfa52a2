"""Kubernetes objects as plain JSON trees: reading them, copying them, naming them.

A stored object is never changed in place: writers copy first, so watchers and pages may keep references.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

Json = dict[str, Any]

# The alphabet Kubernetes uses for generated names: no vowels, no characters that look alike.
_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def copy_json(value: Any) -> Any:
    """Copy a JSON tree."""
    return msgspec.to_builtins(value)


def name_of(obj: Mapping[str, Any]) -> str:
    """Return metadata.name, empty where there is none yet."""
    return str(obj["metadata"].get("name", ""))


def namespace_of(obj: Mapping[str, Any]) -> str:
    """Return metadata.namespace, empty for a cluster-wide object."""
    return str(obj["metadata"].get("namespace", ""))


def uid_of(obj: Mapping[str, Any]) -> str:
    """Return metadata.uid."""
    return str(obj["metadata"].get("uid", ""))


def labels_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """Return metadata.labels, empty where absent."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """Return metadata.annotations, empty where absent."""
    return obj["metadata"].get("annotations") or {}


def is_terminating(obj: Mapping[str, Any]) -> bool:
    """Tell whether deletion has begun."""
    return "deletionTimestamp" in obj["metadata"]


def controller_of(obj: Mapping[str, Any]) -> Json | None:
    """Return the owner reference with controller=true."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            found: Json = owner
            return found
    return None


def owner_reference(owner: Mapping[str, Any]) -> Json:
    """Return a controlling reference to `owner`."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def with_status(obj: Mapping[str, Any], status: Json) -> Json:
    """Return the object with another status; the rest is shared."""
    return {**obj, "status": status}


@lru_cache(maxsize=1_000)
def stamp(seconds: float) -> str:
    """Return seconds since the epoch as Kubernetes writes times (UTC, whole seconds)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float:
    """Read a time as Kubernetes writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def condition_of(obj: Mapping[str, Any], kind: str) -> Json | None:
    """Return the status condition of this type."""
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition["type"] == kind:
            found: Json = condition
            return found
    return None


def is_pod_ready(pod: Mapping[str, Any]) -> bool:
    """Tell whether the pod's Ready condition is True."""
    ready = condition_of(pod, "Ready")
    return ready is not None and ready["status"] == "True"


def is_pod_finished(pod: Mapping[str, Any]) -> bool:
    """Tell whether the pod has run to its end."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def is_pod_active(pod: Mapping[str, Any]) -> bool:
    """Tell whether a controller counts the pod: neither finished nor terminating."""
    return not is_pod_finished(pod) and not is_terminating(pod)


def digest(value: Any) -> bytes:
    """Hash a JSON tree; equal trees have equal hashes whatever the order of their keys."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).digest()


def safe_hash(value: Any, length: int = 10) -> str:
    """Hash a JSON tree into the letters of generated names."""
    return "".join(_SAFE[byte % len(_SAFE)] for byte in digest(value)[:length])


def uid_for(seed: str) -> str:
    """Derive a UUID from a seed."""
    hexed = hashlib.sha256(seed.encode()).hexdigest()
    return f"{hexed[:8]}-{hexed[8:12]}-4{hexed[13:16]}-8{hexed[17:20]}-{hexed[20:32]}"


def int_or_percent(value: int | str | None, total: int, *, round_up: bool) -> int:
    """Resolve an IntOrString such as 1 or "25%" against `total`; None is 0."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        return int(value)
    hundredths = int(value[:-1]) * total
    return -(-hundredths // 100) if round_up else hundredths // 100


def oldest_first(objects: Iterable[Json]) -> list[Json]:
    """Sort by creation, then by name."""
    return sorted(objects, key=lambda obj: (obj["metadata"].get("creationTimestamp", ""), name_of(obj)))
