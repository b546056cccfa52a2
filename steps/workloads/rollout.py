"""How a workload rolls out: in how many rounds, and how far it has got by its own status. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from steps.mesh import DisruptionBudget, Workload
from steps.workloads.method import Method, count_allowed_gone
from steps.workloads.placement import scale_count

SECONDS_A_ROUND = 60.0


def is_stamped(workload: Workload, stamp: str) -> bool:
    """Whether a restart of the stamp's time or later stands in the workload; kubectl writes the local time zone."""
    try:
        return datetime.fromisoformat(workload.restarted_at) >= datetime.fromisoformat(stamp)
    except (ValueError, TypeError):
        return False


def is_rolled_out(workload: Workload) -> bool:
    """kubectl's rollout status (kubectl pkg/polymorphichelpers/rollout_status.go), and no partition left behind."""
    if workload.observed_generation < workload.generation:
        return False
    wanted = workload.replicas
    match workload.ref.kind:
        case "Deployment":
            moved = workload.updated >= wanted and workload.current <= workload.updated
            return moved and workload.available >= workload.updated
        case "StatefulSet":
            moved = workload.updated >= wanted and workload.update_revision == workload.current_revision
            return moved and workload.ready >= wanted
        case "DaemonSet":
            return workload.updated >= wanted and workload.available >= wanted
        case _:
            return workload.ready >= wanted


def count_moved(workload: Workload) -> int:
    """How many pods surely have the new template and are available, by the controller's status alone."""
    if workload.observed_generation < workload.generation:
        return 0
    old = max(0, workload.current - workload.updated)
    available = workload.ready if workload.ref.kind == "StatefulSet" else workload.available
    return max(0, min(workload.updated, available - old))


def scale_patience(workload: Workload | None, pods: int, base: float, planned_rounds: float = 0) -> timedelta:
    """The base patience (seconds) and a minute for each round of pods that the strategy replaces at once.

    `planned_rounds` are those of the plan; budgets may ask for more of them than the strategy does.
    """
    if workload is None:
        return timedelta(seconds=base)
    rounds = max(math.ceil(pods / _count_at_once(workload)), planned_rounds)
    return timedelta(seconds=base + rounds * (SECONDS_A_ROUND + workload.min_ready_seconds))


def _count_at_once(workload: Workload) -> int:
    if workload.ref.kind == "StatefulSet":
        return 1
    away = scale_count(workload.max_unavailable, workload.replicas, round_up=False)
    extra = scale_count(workload.max_surge, workload.replicas, round_up=True)
    return max(1, away + extra)


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
