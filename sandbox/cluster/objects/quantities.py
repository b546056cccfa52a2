"""Kubernetes quantities: "250m" of a CPU, "40Mi" of memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sandbox.cluster.objects.errors import bad_request

_FACTORS = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "E": 1e18, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_QUANTITY = re.compile(r"^([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)([numkMGTPE]|[KMGTPE]i)?$")


@lru_cache(maxsize=4096)
def parse_quantity(text: str | float) -> float:
    """Return the quantity in its base unit (CPUs, bytes). Raises ApiError 400 when it is none."""
    found = _QUANTITY.match(str(text))
    if not found:
        raise bad_request(f"a quantity is a number with or without a suffix such as m, Mi or G, not {str(text)!r}")
    return float(found[1]) * _FACTORS[found[2] or ""]


def is_quantity(value: object) -> bool:
    """Tell whether a JSON value is a quantity."""
    return isinstance(value, str | int | float) and _QUANTITY.match(str(value)) is not None


def format_quantity(amount: float, resource: str) -> str:
    """Write an amount back: CPUs in thousandths where needed, the rest as whole numbers."""
    if resource.endswith("cpu") and amount != int(amount):
        return f"{round(amount * 1000)}m"
    return str(int(amount))


def requests_of(pod_spec: Mapping[str, Any]) -> dict[str, float]:
    """Add up what a pod asks for: containers together, or the largest init container where that is more."""
    return _add_up(pod_spec, "requests")


def limits_of(pod_spec: Mapping[str, Any]) -> dict[str, float]:
    """Add up the limits of a pod in the same way."""
    return _add_up(pod_spec, "limits")


def _add_up(pod_spec: Mapping[str, Any], group: str) -> dict[str, float]:
    total = _sum(pod_spec.get("containers") or (), group)
    for container in pod_spec.get("initContainers") or ():
        for resource, amount in _sum([container], group).items():
            total[resource] = max(total.get(resource, 0.0), amount)
    return total


def _sum(containers: Iterable[Mapping[str, Any]], group: str) -> dict[str, float]:
    total: dict[str, float] = {}
    for container in containers:
        asked = (container.get("resources") or {}).get(group) or {}
        for resource, amount in asked.items():
            total[resource] = total.get(resource, 0.0) + parse_quantity(amount)
    return total
