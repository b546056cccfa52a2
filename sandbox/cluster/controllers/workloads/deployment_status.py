"""The status and conditions of a Deployment (source: 1.16's deployment/{sync,progress}.go)."""

from __future__ import annotations

from sandbox.cluster.controllers.workloads.rolling import fenceposts
from sandbox.cluster.objects.objects import Json, condition_of, name_of, seconds_of, stamp, uid_of

FRESH_SET = "NewReplicaSetCreated"
MOVING = "ReplicaSetUpdated"
COMPLETE = "NewReplicaSetAvailable"
LATE = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
REFUSED_SET = "ReplicaSetCreateError"
RESUMED = "DeploymentResumed"


def deployment_status(deployment: Json, sets: list[Json], newest: Json | None, now: float) -> Json:
    """Return the status that the controller writes after a look at a Deployment and its ReplicaSets."""
    old = deployment.get("status") or {}
    counts = _counts(deployment, sets, newest)
    status: Json = {name: count for name, count in counts.items() if count}
    status["observedGeneration"] = deployment["metadata"]["generation"]
    status["conditions"] = list(old.get("conditions") or ())
    status = _with_availability(deployment, status, counts["availableReplicas"], now)
    status = _with_failure(status, [*([newest] if newest else []), *sets], now)
    if deployment["spec"].get("paused"):
        return with_progress(status, "Unknown", PAUSED, "Deployment is paused", now)
    return _with_verdict(deployment, old, status, counts, newest, now)


def with_progress(status: Json, value: str, reason: str, message: str, now: float) -> Json:
    """Return the status with another Progressing condition; unchanged where reason and value are the same."""
    return _with_condition(status, "Progressing", value, reason, message, now)


def _counts(deployment: Json, sets: list[Json], newest: Json | None) -> dict[str, int]:
    def add(name: str, among: list[Json]) -> int:
        return sum(int((one.get("status") or {}).get(name, 0)) for one in among)

    current = [one for one in sets if newest is not None and uid_of(one) == uid_of(newest)]
    available = add("availableReplicas", sets)
    asked = sum(int(one["spec"]["replicas"]) for one in sets)
    return {
        "replicas": add("replicas", sets),
        "updatedReplicas": add("replicas", current),
        "readyReplicas": add("readyReplicas", sets),
        "availableReplicas": available,
        "unavailableReplicas": max(asked - available, 0),
    }


def _with_availability(deployment: Json, status: Json, available: int, now: float) -> Json:
    _, unavailable = fenceposts(deployment)
    if available >= deployment["spec"]["replicas"] - unavailable:
        why = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
        return _with_condition(status, "Available", "True", *why, now)
    why = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return _with_condition(status, "Available", "False", *why, now)


def _with_failure(status: Json, sets: list[Json], now: float) -> Json:
    """The first ReplicaSet's failure is told, the newest one's before others' (source: getReplicaFailures)."""
    failure = next((row for one in sets if (row := condition_of(one, "ReplicaFailure"))), None)
    if failure is None:
        kept = [row for row in status["conditions"] if row["type"] != "ReplicaFailure"]
        return {**status, "conditions": kept}
    return _with_condition(status, "ReplicaFailure", "True", failure["reason"], failure["message"], now)


def _with_verdict(
    deployment: Json, old: Json, status: Json, counts: dict[str, int], newest: Json | None, now: float
) -> Json:
    current = condition_of({"status": status}, "Progressing")
    settled = counts["replicas"] == counts["updatedReplicas"] and current and current["reason"] == COMPLETE
    if settled:
        return status
    shown = f'ReplicaSet "{name_of(newest)}"' if newest else f'Deployment "{name_of(deployment)}"'
    if _is_complete(deployment, counts):
        return with_progress(status, "True", COMPLETE, f"{shown} has successfully progressed.", now)
    if _has_moved(old, counts):
        return _moved(status, f"{shown} is progressing.", now)
    if current is None:
        return with_progress(status, "True", MOVING, f"{shown} is progressing.", now)
    if current["reason"] == PAUSED:
        return with_progress(status, "Unknown", RESUMED, "Deployment is resumed", now)
    deadline = seconds_of(current["lastUpdateTime"]) + deployment["spec"]["progressDeadlineSeconds"]
    if current["reason"] not in (COMPLETE, LATE) and deadline < now:
        return with_progress(status, "False", LATE, f"{shown} has timed out progressing.", now)
    return status


def _is_complete(deployment: Json, counts: dict[str, int]) -> bool:
    wanted = deployment["spec"]["replicas"]
    return bool(wanted == counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"])


def _has_moved(old: Json, counts: dict[str, int]) -> bool:
    def before(name: str) -> int:
        return int(old.get(name, 0))

    outdated = before("replicas") - before("updatedReplicas")
    return (
        counts["updatedReplicas"] > before("updatedReplicas")
        or counts["replicas"] - counts["updatedReplicas"] < outdated
        or counts["readyReplicas"] > before("readyReplicas")
        or counts["availableReplicas"] > before("availableReplicas")
    )


def _moved(status: Json, message: str, now: float) -> Json:
    # Progress renews lastUpdateTime, from which the deadline counts.
    fresh = with_progress(status, "True", MOVING, message, now)
    rows = [
        {**row, "lastUpdateTime": stamp(now)} if row["type"] == "Progressing" else row for row in fresh["conditions"]
    ]
    return {**fresh, "conditions": rows}


def _with_condition(status: Json, kind: str, value: str, reason: str, message: str, now: float) -> Json:
    rows = list(status.get("conditions") or ())
    before = next((row for row in rows if row["type"] == kind), None)
    if before and before["status"] == value and before["reason"] == reason:
        return status
    moved = before["lastTransitionTime"] if before and before["status"] == value else stamp(now)
    row = {
        "type": kind, "status": value, "lastUpdateTime": stamp(now), "lastTransitionTime": moved,
        "reason": reason, "message": message,
    }  # fmt: skip
    return {**status, "conditions": [*(old for old in rows if old["type"] != kind), row]}
