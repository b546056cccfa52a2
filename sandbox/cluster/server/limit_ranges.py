"""What a LimitRange does to new pods: defaults before the webhooks see them, bounds after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.cluster.objects.errors import forbidden
from sandbox.cluster.objects.objects import Json, copy_json, name_of, namespace_of
from sandbox.cluster.objects.quantities import limits_of, parse_quantity, requests_of
from sandbox.cluster.server.store import Store

Amounts = Mapping[str, Any]


def with_defaults(store: Store, pod: Json) -> Json:
    """Return a pod whose containers have the requests and limits that the namespace gives to those without."""
    rows = [row for row in _rows(store, namespace_of(pod)) if row.get("type") == "Container"]
    if not rows:
        return pod
    made: Json = copy_json(pod)
    for container in [*made["spec"]["containers"], *(made["spec"].get("initContainers") or ())]:
        for row in rows:
            _fill(container.setdefault("resources", {}), row)
    return made


def check_bounds(store: Store, pod: Json) -> None:
    """Raise ApiError 403 for the first bound that a pod or one of its containers breaks."""
    spec = pod["spec"]
    for row in _rows(store, namespace_of(pod)):
        match row.get("type"):
            case "Container":
                rooms = [container.get("resources") or {} for container in spec["containers"]]
            case "Pod":
                rooms = [{"requests": requests_of(spec), "limits": limits_of(spec)}]
            case _:
                rooms = []
        for room in rooms:
            for why in _find_breaches(row, room.get("requests") or {}, room.get("limits") or {}):
                raise forbidden("pods", "", name_of(pod), why)


def _rows(store: Store, namespace: str) -> Iterator[Json]:
    for limits in store.each("limitranges", namespace):
        yield from (limits.get("spec") or {}).get("limits") or ()


def _fill(resources: Json, row: Json) -> None:
    for name, amount in (row.get("default") or {}).items():
        resources.setdefault("limits", {}).setdefault(name, amount)
    # Where no default request is given, that is the default limit, and before both the container's own limit.
    own = resources.get("limits") or {}
    asked = {**(row.get("default") or {}), **(row.get("defaultRequest") or {})}
    for name, amount in asked.items():
        chosen = amount if name in (row.get("defaultRequest") or {}) else own.get(name, amount)
        resources.setdefault("requests", {}).setdefault(name, chosen)


def _find_breaches(row: Json, requests: Amounts, limits: Amounts) -> Iterator[str]:
    kind = row["type"]
    for name, least in (row.get("min") or {}).items():
        if name not in requests:
            yield f"minimum {name} usage per {kind} is {least}. No request is specified"
        elif parse_quantity(requests[name]) < parse_quantity(least):
            yield f"minimum {name} usage per {kind} is {least}, but request is {requests[name]}"
    for name, most in (row.get("max") or {}).items():
        if name not in limits:
            yield f"maximum {name} usage per {kind} is {most}. No limit is specified"
        elif parse_quantity(limits[name]) > parse_quantity(most):
            yield f"maximum {name} usage per {kind} is {most}, but limit is {limits[name]}"
