"""How far a controller has rolled out, by its own status alone. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from steps.mesh import Workload
from steps.workloads.method import scale_count

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
