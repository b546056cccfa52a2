"""Taints of nodes, and which pods bear them (source: 1.20's component-helpers/scheduling/corev1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sandbox.cluster.objects.objects import Json

UNREACHABLE = "node.kubernetes.io/unreachable"
NO_EXECUTE = "NoExecute"
KEEPING_OUT = ("NoSchedule", NO_EXECUTE)


def find_untolerated(node: Mapping[str, Any], spec: Mapping[str, Any], effects: Collection[str]) -> Json | None:
    """Return the first taint of these effects that a pod does not tolerate."""
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint["effect"] in effects and not list_tolerations(spec, taint):
            found: Json = taint
            return found
    return None


def list_tolerations(spec: Mapping[str, Any], taint: Mapping[str, Any]) -> list[Json]:
    """Return the tolerations of a pod that match a taint."""
    return [row for row in spec.get("tolerations") or () if _matches(row, taint)]


def read_patience(spec: Mapping[str, Any], taint: Mapping[str, Any]) -> float | None:
    """Return for how many seconds a pod bears a NoExecute taint; None for ever."""
    matching = list_tolerations(spec, taint)
    limits = [float(row["tolerationSeconds"]) for row in matching if row.get("tolerationSeconds") is not None]
    return min(limits, default=None if matching else 0.0)


def _matches(row: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if row.get("effect") not in (None, "", taint["effect"]):
        return False
    if row.get("key") not in (None, "", taint["key"]):
        return False
    return row.get("operator") == "Exists" or row.get("value", "") == taint.get("value", "")
