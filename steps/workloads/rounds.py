"""How many times one after the other a workload has to wait for pods while it is restarted. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steps.mesh import DisruptionBudget, Workload
from steps.workloads.method import Method, count_allowed_gone, scale_count


def count_rounds(workload: Workload | None, method: Method, pods: int, budgets: Sequence[DisruptionBudget] = ()) -> int:
    """The rounds in which the pods are replaced; 0 where none is."""
    if not pods:
        return 0
    if workload is None:
        return pods
    return math.ceil(pods / max(1, measure_width(workload, method, budgets)))


def measure_width(workload: Workload, method: Method, budgets: Sequence[DisruptionBudget]) -> int:
    """How many pods are replaced at the same time.

    Kubernetes: a Deployment's maxSurge (25 % rounded up) and maxUnavailable (25 % rounded down) together, all with
    Recreate; a StatefulSet one by one; a DaemonSet its maxUnavailable (1).
    """
    replicas = workload.replicas
    if method == "evict":
        allowed = [budget.disruptions_allowed for budget in budgets]
        return max(1, min([count_allowed_gone(workload), *allowed]))
    match workload.ref.kind:
        case "StatefulSet":
            return 1
        case "DaemonSet":
            return max(1, scale_count(workload.max_unavailable or "1", replicas, round_up=True))
        case _ if workload.strategy == "Recreate":
            return max(1, replicas)
        case _:
            surge = scale_count(workload.max_surge or "25%", replicas, round_up=True)
            gone = scale_count(workload.max_unavailable or "25%", replicas, round_up=False)
            return max(1, surge + gone)
