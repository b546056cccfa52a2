"""What a ResourceQuota counts: pods, what they ask for, and objects of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.cluster.objects.errors import forbidden
from sandbox.cluster.objects.objects import Json, is_pod_finished, name_of, namespace_of
from sandbox.cluster.objects.quantities import (
    format_quantity,
    is_quantity,
    limits_of,
    parse_quantity,
    requests_of,
)
from sandbox.cluster.objects.resources import Resource
from sandbox.cluster.server.store import Store

# Kinds that a quota may name without `count/`.
_BARE = frozenset({
    "services", "secrets", "configmaps", "replicationcontrollers", "resourcequotas", "persistentvolumeclaims",
})  # fmt: skip
_COMPUTED = ("cpu", "memory", "ephemeral-storage")


def check_quota(store: Store, resource: Resource, obj: Json) -> None:
    """Raise ApiError 403 where a new object exceeds a ResourceQuota of its namespace."""
    asked = demand_of(resource.key, obj)
    for quota in store.each("resourcequotas", namespace_of(obj)):
        hard = (quota.get("spec") or {}).get("hard") or {}
        if resource.key == "pods":
            _check_specified(quota, hard, obj)
        used = quota_use(store, namespace_of(obj), hard)
        for name, limit in hard.items():
            want = asked.get(name, 0.0)
            if want and is_quantity(limit) and used[name] + want > parse_quantity(limit):
                shown = [f"{name}={format_quantity(amount, name)}" for amount in (want, used[name])]
                why = f"exceeded quota: {name_of(quota)}, requested: {shown[0]}, used: {shown[1]}, limited: "
                raise forbidden(resource.plural, resource.group, name_of(obj), f"{why}{name}={limit}")


def quota_use(store: Store, namespace: str, names: Iterable[str]) -> dict[str, float]:
    """Add up what a namespace uses of what a quota names."""
    wanted = tuple(names)
    used = dict.fromkeys(wanted, 0.0)
    for key in {key for name in wanted for key in _counted_keys(name)}:
        for obj in store.each(key, namespace):
            for name, amount in demand_of(key, obj).items():
                if name in used:
                    used[name] += amount
    return used


def demand_of(key: str, obj: Json) -> dict[str, float]:
    """Return what one object takes of every resource that a quota may name."""
    found = {f"count/{key}": 1.0}
    if key in _BARE:
        found[key] = 1.0
    match key:
        case "pods":
            return found | ({} if is_pod_finished(obj) else _pod_demand(obj["spec"]))
        case "services":
            kind = obj["spec"].get("type")
            found |= {"services.loadbalancers": 1.0} if kind == "LoadBalancer" else {}
            found |= {"services.nodeports": 1.0} if kind in ("LoadBalancer", "NodePort") else {}
        case "persistentvolumeclaims":
            asked = ((obj.get("spec") or {}).get("resources") or {}).get("requests") or {}
            found["requests.storage"] = parse_quantity(asked.get("storage", 0))
        case _:
            pass
    return found


def _pod_demand(spec: Mapping[str, Any]) -> dict[str, float]:
    asked = requests_of(spec)
    found = {"pods": 1.0, **asked, **{f"requests.{name}": amount for name, amount in asked.items()}}
    return found | {f"limits.{name}": amount for name, amount in limits_of(spec).items()}


def _counted_keys(name: str) -> tuple[str, ...]:
    """Name the kinds that a quota's resource counts."""
    if name.startswith("count/"):
        return (name.removeprefix("count/"),)
    if name.partition(".")[0] in _BARE:
        return (name.partition(".")[0],)
    return ("persistentvolumeclaims",) if name == "requests.storage" else ("pods",)


def _check_specified(quota: Json, hard: Mapping[str, Any], pod: Json) -> None:
    """Refuse a pod of which a container leaves out what a quota counts (source: podEvaluator.Constraints)."""
    missing = sorted(name for name in hard if not _is_specified(name, pod["spec"]))
    if missing:
        why = f"failed quota: {name_of(quota)}: must specify {','.join(missing)}"
        raise forbidden("pods", "", name_of(pod), why)


def _is_specified(name: str, spec: Mapping[str, Any]) -> bool:
    group, _, resource = name.rpartition(".")
    if resource not in _COMPUTED or group not in ("", "requests", "limits"):
        return True
    return all(
        resource in ((container.get("resources") or {}).get(group or "requests") or {})
        for container in [*spec["containers"], *(spec.get("initContainers") or ())]
    )
