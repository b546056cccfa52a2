"""The status a kubelet writes for a pod in each phase of its life. All functions return a new status."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from sandbox.cluster.objects.objects import Json, digest, stamp, uid_of

_RUNNING = "running"
# Written here; a pod's other conditions belong to those who wrote them.
_OWN_CONDITIONS = frozenset({"Initialized", "Ready", "ContainersReady", "PodScheduled"})
_SLEEP = re.compile(r"^(\d+(?:\.\d+)?|\.\d+)([smhd]?)$")
_SLEEP_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def container_images(pod: Json) -> list[str]:
    """Return the images of a pod's containers, init containers included."""
    spec = pod["spec"]
    return [container["image"] for group in ("containers", "initContainers") for container in spec.get(group) or ()]


def run_seconds(pod: Json) -> float | None:
    """Return how long a pod that does not restart runs: what its `sleep` says; None where it runs for ever."""
    if pod["spec"].get("restartPolicy") == "Always":
        return None
    for container in pod["spec"]["containers"]:
        words = [*(container.get("command") or ()), *(container.get("args") or ())]
        if words[:1] == ["sleep"] and len(words) > 1:
            return _sleep_seconds(words[1:])
    return 1.0


def _sleep_seconds(words: list[str]) -> float:
    """Return how long `sleep 5m 30s` or `sleep infinity` takes; a sleep that it can't read ends at once."""
    if "infinity" in words or "inf" in words:
        return math.inf
    found = [_SLEEP.match(word) for word in words]
    return sum(float(one[1]) * _SLEEP_UNITS[one[2]] for one in found if one) if all(found) else 0.0


def creating(pod: Json, now: float) -> Json:
    """The kubelet has taken the pod; nothing runs yet."""
    reason = "PodInitializing" if pod["spec"].get("initContainers") else "ContainerCreating"
    waiting = {"waiting": {"reason": reason}}
    status = {**pod["status"], "phase": "Pending", "startTime": stamp(now), "hostIP": _host_ip(pod)}
    status["containerStatuses"] = [_container(row, waiting, ready=False) for row in _sorted(pod, "containers")]
    if pod["spec"].get("initContainers"):
        status["initContainerStatuses"] = [
            _container(row, waiting, ready=False) for row in _sorted(pod, "initContainers")
        ]
    unready = [row["name"] for row in pod["spec"]["containers"]]
    uninitialized = [row["name"] for row in pod["spec"].get("initContainers") or ()]
    return {**status, "conditions": _conditions(pod, now, unready, uninitialized)}


def unpullable(pod: Json, image: str) -> Json:
    """An image can't be pulled."""
    message = f'Back-off pulling image "{image}"'
    state = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    rows = [
        {**row, "state": state} if row["image"] == image else row
        for row in pod["status"].get("containerStatuses") or ()
    ]
    return {**pod["status"], "containerStatuses": rows}


def running(pod: Json, now: float) -> Json:
    """The containers run and are not ready yet."""
    at = stamp(now)
    rows = [
        _container(row, {_RUNNING: {"startedAt": at}}, ready=False, started=True) for row in _sorted(pod, "containers")
    ]
    address = _pod_ip(pod)
    status = {**pod["status"], "phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    status["containerStatuses"] = rows
    if pod["spec"].get("initContainers"):
        done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at}}
        status["initContainerStatuses"] = [_container(row, done, ready=True) for row in _sorted(pod, "initContainers")]
    return {**status, "conditions": _conditions(pod, now, [row["name"] for row in rows], [])}


def with_readiness(pod: Json, now: float, unready: Iterable[str] = ()) -> Json:
    """Every running container is ready but those of the images `unready`."""
    bad = set(unready)
    rows = [
        {**row, "ready": _RUNNING in row["state"] and row["image"] not in bad}
        for row in pod["status"]["containerStatuses"]
    ]
    names = [row["name"] for row in rows if not row["ready"]]
    return {**pod["status"], "containerStatuses": rows, "conditions": _conditions(pod, now, names, [])}


def crashed(pod: Json, images: Iterable[str], now: float) -> Json:
    """The containers of these images have just ended with exit code 1."""
    struck, at = set(images), stamp(now)
    rows = []
    for row in pod["status"]["containerStatuses"]:
        if row["image"] in struck:
            started = row["state"].get(_RUNNING, {}).get("startedAt", at)
            end = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": started, "finishedAt": at}}
            row = {**row, "ready": False, "started": False, "state": end, "restartCount": row["restartCount"] + 1}
        rows.append(row)
    names = [row["name"] for row in rows if not row["ready"]]
    return {**pod["status"], "containerStatuses": rows, "conditions": _conditions(pod, now, names, [])}


def back_off(status: Json, images: Iterable[str]) -> Json:
    """The ended containers of these images wait before they start again."""
    struck = set(images)
    message = "back-off restarting failed container"
    rows = [
        {**row, "lastState": row["state"], "state": {"waiting": {"reason": "CrashLoopBackOff", "message": message}}}
        if row["image"] in struck
        else row
        for row in status["containerStatuses"]
    ]
    return {**status, "containerStatuses": rows}


def restarted(pod: Json, now: float) -> Json:
    """Waiting containers run again."""
    rows = [
        {**row, "state": {_RUNNING: {"startedAt": stamp(now)}}, "started": True} if "waiting" in row["state"] else row
        for row in pod["status"]["containerStatuses"]
    ]
    return {**pod["status"], "containerStatuses": rows}


def finished(pod: Json, now: float) -> Json:
    """The containers have ended, but for a sidecar: it keeps the pod running, as sidecars before 1.28 do."""
    at = stamp(now)
    rows = []
    for row in pod["status"]["containerStatuses"]:
        if row["name"] != "istio-proxy" and _RUNNING in row["state"]:
            started = row["state"][_RUNNING]["startedAt"]
            end = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": at}}
            row = {**row, "ready": False, "started": False, "state": end}
        rows.append(row)
    names = [row["name"] for row in rows if not row["ready"]]
    status = {**pod["status"], "containerStatuses": rows, "conditions": _conditions(pod, now, names, [])}
    if all("terminated" in row["state"] for row in rows):
        status["phase"] = "Succeeded"
    return status


def scheduled_condition(now: float) -> Json:
    """The condition the scheduler writes when it has bound a pod."""
    return {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": stamp(now)}


def unschedulable_condition(now: float, message: str) -> Json:
    """The condition the scheduler writes when no node fits."""
    return {**scheduled_condition(now), "status": "False", "reason": "Unschedulable", "message": message}


def _sorted(pod: Json, group: str) -> list[Json]:
    rows: list[Json] = pod["spec"].get(group) or []
    return sorted(rows, key=lambda row: str(row["name"])) if group == "containers" else rows


def _container(container: Json, state: Json, *, ready: bool, started: bool = False) -> Json:
    image = container["image"]
    running = _RUNNING in state or "terminated" in state
    return {
        "name": container["name"], "image": image,
        "imageID": f"docker-pullable://{image.rpartition(':')[0]}@sha256:{digest(image).hex()}" if running else "",
        "ready": ready, "restartCount": 0, "started": started, "state": state, "lastState": {},
    }  # fmt: skip


def _conditions(pod: Json, now: float, unready: list[str], uninitialized: list[str]) -> list[Json]:
    old = {row["type"]: row for row in pod["status"].get("conditions") or ()}
    why = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]") if unready else None
    waiting = ("ContainersNotInitialized", f"containers with incomplete status: [{' '.join(uninitialized)}]")
    rows = [
        _condition(old, "Initialized", waiting if uninitialized else None, now),
        _condition(old, "Ready", why or _unmet(pod, old), now),
        _condition(old, "ContainersReady", why, now),
    ]
    others = [row for kind, row in old.items() if kind not in _OWN_CONDITIONS]
    return [*rows, old.get("PodScheduled") or scheduled_condition(now), *others]


def _unmet(pod: Json, conditions: dict[str, Json]) -> tuple[str, str] | None:
    """Why the readiness gates keep a pod from being ready (source: kubelet/status/generate.go)."""
    said = []
    for gate in pod["spec"].get("readinessGates") or ():
        name, row = gate["conditionType"], conditions.get(gate["conditionType"])
        if row is None:
            said.append(f'corresponding condition of pod readiness gate "{name}" does not exist.')
        elif row["status"] != "True":
            said.append(f'the status of pod readiness gate "{name}" is not "True", but {row["status"]}')
    return ("ReadinessGatesNotReady", ", ".join(said)) if said else None


def has_unmet_gate(pod: Json) -> bool:
    """Tell whether a readiness gate keeps the pod from being ready."""
    rows = (pod.get("status") or {}).get("conditions") or ()
    return _unmet(pod, {row["type"]: row for row in rows}) is not None


def _condition(old: dict[str, Json], kind: str, refusal: tuple[str, str] | None, now: float) -> Json:
    status = "False" if refusal else "True"
    before = old.get(kind)
    moved = before["lastTransitionTime"] if before and before["status"] == status else stamp(now)
    row: Json = {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": moved}
    if refusal:
        row |= {"reason": refusal[0], "message": refusal[1]}
    return row


def _host_ip(pod: Json) -> str:
    node = digest(pod["spec"]["nodeName"])
    return f"10.128.{node[0] % 16}.{1 + node[1] % 250}"


def _pod_ip(pod: Json) -> str:
    if pod["spec"].get("hostNetwork"):
        return _host_ip(pod)
    seed = digest(uid_of(pod))
    return f"10.{4 + seed[0] % 4}.{seed[1] % 250}.{1 + seed[2] % 250}"
