"""The cells of server-side tables, one function per kind (source: 1.16's printers/internalversion)."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.objects.objects import Json, condition_of, is_terminating, labels_of, name_of, seconds_of


def short_duration(seconds: float) -> str:
    """Write an age as kubectl does: 20s, 5m36s, 25m, 3h10m, 2d5h, 30d."""
    whole = max(int(seconds), 0)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y"


def _age(obj: Json, now: float) -> str:
    return _since(obj["metadata"].get("creationTimestamp"), now)


def _since(at: str | None, now: float) -> str:
    return short_duration(now - seconds_of(at)) if at else "<none>"


def _status(obj: Json) -> Json:
    status: Json = obj.get("status") or {}
    return status


def _joined_labels(labels: dict[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"


def _containers(obj: Json) -> list[Any]:
    rows = obj["spec"]["template"]["spec"]["containers"]
    return [",".join(row["name"] for row in rows), ",".join(row["image"] for row in rows)]


def _selector(obj: Json) -> str:
    selector = obj["spec"].get("selector") or {}
    return _joined_labels(selector.get("matchLabels", {} if "matchExpressions" in selector else selector))


def pod_cells(pod: Json, now: float) -> list[Any]:
    """NAME READY STATUS RESTARTS AGE and the wide ones."""
    rows = _status(pod).get("containerStatuses") or []
    ready = sum(1 for row in rows if row["ready"])
    total = len(pod["spec"]["containers"])
    restarts = sum(row["restartCount"] for row in rows)
    wide = [_status(pod).get("podIP", "<none>"), pod["spec"].get("nodeName", "<none>"), "<none>", "<none>"]
    return [name_of(pod), f"{ready}/{total}", pod_reason(pod), restarts, _age(pod, now), *wide]


def pod_reason(pod: Json) -> str:
    """Return what kubectl prints under STATUS."""
    if is_terminating(pod):
        return "Terminating"
    reason = str(_status(pod).get("reason") or _status(pod).get("phase", "Unknown"))
    starting = _init_progress(pod)
    if starting:
        return starting
    has_running = False
    for row in reversed(_status(pod).get("containerStatuses") or []):
        state = row["state"]
        if state.get("waiting", {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif "terminated" in state:
            ended = state["terminated"]
            reason = ended.get("reason") or f"ExitCode:{ended['exitCode']}"
        elif row["ready"] and "running" in state:
            has_running = True
    return "Running" if reason == "Completed" and has_running else reason


def _init_progress(pod: Json) -> str:
    rows = _status(pod).get("initContainerStatuses") or []
    done = sum(1 for row in rows if row["state"].get("terminated", {}).get("exitCode") == 0)
    return f"Init:{done}/{len(rows)}" if done < len(rows) else ""


def node_cells(node: Json, now: float) -> list[Any]:
    """NAME STATUS ROLES AGE VERSION and the wide ones."""
    ready = condition_of(node, "Ready")
    state = "Ready" if ready and ready["status"] == "True" else "NotReady"
    if (node.get("spec") or {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    info = _status(node).get("nodeInfo") or {}
    addresses = {row["type"]: row["address"] for row in _status(node).get("addresses") or ()}
    return [
        name_of(node), state, "<none>", _age(node, now), info.get("kubeletVersion", ""),
        addresses.get("InternalIP", "<none>"), addresses.get("ExternalIP", "<none>"), info.get("osImage", "<unknown>"),
        info.get("kernelVersion", "<unknown>"), info.get("containerRuntimeVersion", "<unknown>"),
    ]  # fmt: skip


def service_cells(service: Json, now: float) -> list[Any]:
    """NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR."""
    spec = service["spec"]
    ingress = (_status(service).get("loadBalancer") or {}).get("ingress") or []
    outside = ",".join(row.get("ip", "") for row in ingress)
    if not outside:
        outside = "<pending>" if spec["type"] == "LoadBalancer" else "<none>"
    ports = ",".join(_port(port) for port in spec.get("ports") or ()) or "<none>"
    labels = _joined_labels(spec.get("selector"))
    return [name_of(service), spec["type"], spec.get("clusterIP", "<none>"), outside, ports, _age(service, now), labels]


def _port(port: Json) -> str:
    opened = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{opened}/{port['protocol']}"


def event_cells(event: Json, now: float) -> list[Any]:
    """LAST SEEN TYPE REASON OBJECT and the rest."""
    involved = event.get("involvedObject") or {}
    source = (event.get("source") or {}).get("component", "")
    last = _since(event.get("lastTimestamp"), now)
    first = _since(event.get("firstTimestamp"), now)
    shown = f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"
    head = [last, event.get("type", ""), event.get("reason", ""), shown, involved.get("fieldPath", ""), source]
    return [*head, str(event.get("message", "")).strip(), first, event.get("count", 1), name_of(event)]


def rc_cells(owner: Json, now: float) -> list[Any]:
    """NAME DESIRED CURRENT READY AGE and the wide ones."""
    status = _status(owner)
    head = [name_of(owner), owner["spec"]["replicas"], status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [*head, _age(owner, now), *_containers(owner), _selector(owner)]


def deployment_cells(owner: Json, now: float) -> list[Any]:
    """NAME READY UP-TO-DATE AVAILABLE AGE and the wide ones."""
    status = _status(owner)
    ready = f"{status.get('readyReplicas', 0)}/{owner['spec']['replicas']}"
    head = [name_of(owner), ready, status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    return [*head, _age(owner, now), *_containers(owner), _selector(owner)]


def stateful_cells(owner: Json, now: float) -> list[Any]:
    """NAME READY AGE and the wide ones."""
    ready = f"{_status(owner).get('readyReplicas', 0)}/{owner['spec']['replicas']}"
    return [name_of(owner), ready, _age(owner, now), *_containers(owner)]


def daemon_cells(owner: Json, now: float) -> list[Any]:
    """NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE and the wide ones."""
    status = _status(owner)
    names = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    counts = [status.get(name, 0) for name in names]
    nodes = _joined_labels(owner["spec"]["template"]["spec"].get("nodeSelector"))
    return [name_of(owner), *counts, nodes, _age(owner, now), *_containers(owner), _selector(owner)]


def run_cells(run: Json, now: float) -> list[Any]:
    """NAME COMPLETIONS DURATION AGE and the wide ones."""
    status = _status(run)
    done = f"{status.get('succeeded', 0)}/{run['spec'].get('completions') or run['spec'].get('parallelism', 1)}"
    lasted = ""
    if status.get("startTime"):
        end = seconds_of(status["completionTime"]) if status.get("completionTime") else now
        lasted = short_duration(end - seconds_of(status["startTime"]))
    return [name_of(run), done, lasted, _age(run, now), *_containers(run), _selector(run)]


def cron_cells(cron: Json, now: float) -> list[Any]:
    """NAME SCHEDULE SUSPEND ACTIVE LAST SCHEDULE AGE."""
    status, spec = _status(cron), cron["spec"]
    last = _since(status.get("lastScheduleTime"), now)
    return [
        name_of(cron),
        spec["schedule"],
        str(spec["suspend"]),
        len(status.get("active") or ()),
        last,
        _age(cron, now),
    ]


def scaler_cells(scaler: Json, now: float) -> list[Any]:
    """NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE."""
    spec = scaler["spec"]
    target = spec["scaleTargetRef"]
    targets = ", ".join(
        f"<unknown>/{(metric.get('resource') or {}).get('target', {}).get('averageUtilization', '?')}%"
        for metric in spec.get("metrics") or ()
    )
    limits = [str(spec["minReplicas"]), spec["maxReplicas"], _status(scaler).get("currentReplicas", 0)]
    return [name_of(scaler), f"{target['kind']}/{target['name']}", targets or "<none>", *limits, _age(scaler, now)]


def budget_cells(budget: Json, now: float) -> list[Any]:
    """NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE."""
    spec = budget.get("spec") or {}
    limits = [str(spec.get(name, "N/A")) for name in ("minAvailable", "maxUnavailable")]
    return [name_of(budget), *limits, _status(budget).get("disruptionsAllowed", 0), _age(budget, now)]


def shown_labels(obj: Json) -> str:
    """Return an object's labels as --show-labels prints them."""
    return _joined_labels(dict(labels_of(obj)))
