"""What the API server fills into pod specs (source: SetDefaults_* of Kubernetes 1.16's core/v1)."""

from __future__ import annotations

from sandbox.cluster.objects.objects import Json

_TOLERATED = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def default_pod(pod: Json) -> None:
    """Fill in a pod: its spec, and what admission adds to pods alone. Changes `pod`."""
    spec = pod.setdefault("spec", {})
    default_pod_spec(spec)
    spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = spec["serviceAccountName"]
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("priority", 0)
    tolerations = spec.setdefault("tolerations", [])
    for key in _TOLERATED:
        if not any(
            row.get("key") in (key, None) and row.get("effect", "NoExecute") == "NoExecute" for row in tolerations
        ):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    pod.setdefault("status", {"phase": "Pending"})["qosClass"] = _quality(spec)


def default_pod_spec(spec: Json) -> None:
    """Fill in a pod spec as it stands in pods and templates. Changes `spec`."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    if "serviceAccountName" in spec:
        spec["serviceAccount"] = spec["serviceAccountName"]
    for volume in spec.get("volumes") or ():
        _default_volume(volume)
    for group in ("containers", "initContainers"):
        for container in spec.get(group) or ():
            _default_container(container)


def _default_container(container: Json) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    image = str(container.get("image", ""))
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    newest = tag in ("", "latest") and "@" not in image
    container.setdefault("imagePullPolicy", "Always" if newest else "IfNotPresent")
    _default_resources(container.setdefault("resources", {}))
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        if container.get(probe):
            _default_probe(container[probe])
    for setting in container.get("env") or ():
        if "fieldRef" in (setting.get("valueFrom") or {}):
            setting["valueFrom"]["fieldRef"].setdefault("apiVersion", "v1")


def _default_resources(resources: Json) -> None:
    limits = resources.get("limits") or {}
    if limits:
        asked = resources.setdefault("requests", {})
        for name, amount in limits.items():
            asked.setdefault(name, amount)


def _default_probe(probe: Json) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")


def _default_volume(volume: Json) -> None:
    sources = [name for name in volume if name != "name"]
    if not sources:
        volume["emptyDir"] = {}
    for name in ("configMap", "secret", "projected", "downwardAPI"):
        if name in volume:
            volume[name].setdefault("defaultMode", 420)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")


def _quality(spec: Json) -> str:
    resources = [container.get("resources") or {} for container in spec.get("containers") or ()]
    if all(not row for row in resources):
        return "BestEffort"
    full = all({"cpu", "memory"} <= set(row.get("limits") or ()) for row in resources)
    full = full and all(row["limits"] == row["requests"] for row in resources)
    return "Guaranteed" if full else "Burstable"
