"""What the API server fills into objects that clients leave out (source: SetDefaults_* of Kubernetes 1.16)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from sandbox.cluster.objects.objects import Json, name_of
from sandbox.cluster.objects.pod_defaults import default_pod, default_pod_spec
from sandbox.cluster.objects.resources import Resource

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def fill_defaults(resource: Resource, version: str, obj: Json, minor: int) -> None:
    """Fill in an object of the kept form; `version` is what the client spoke. Changes `obj`."""
    fill = _DEFAULTS.get(resource.key)
    if fill is not None:
        fill(obj)
    if resource.key in _WEBHOOKS:
        for webhook in obj.get("webhooks") or ():
            _default_webhook(webhook, version)
    if resource.key == "namespaces" and minor >= 21:
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name_of(obj)


def keep_texts(secret: Json) -> None:
    """Put a Secret's stringData into its data, where it is kept. Changes `secret`."""
    texts = secret.pop("stringData", None)
    if isinstance(texts, dict) and texts:
        written = {name: b64encode(str(text).encode()).decode() for name, text in texts.items()}
        secret["data"] = {**(secret.get("data") or {}), **written}


def _spec(obj: Json) -> Json:
    spec: Json = obj.setdefault("spec", {})
    return spec


def _default_template(spec: Json) -> None:
    template = spec.get("template")
    if template:
        template.setdefault("metadata", {})
        template["metadata"].setdefault("creationTimestamp", None)
        default_pod_spec(template.setdefault("spec", {}))


def _default_deployment(obj: Json) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    _default_template(spec)


def _default_replica_set(obj: Json) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    _default_template(spec)


def _default_replication_controller(obj: Json) -> None:
    _default_replica_set(obj)
    labels = (obj["spec"].get("template") or {}).get("metadata", {}).get("labels")
    if labels:
        obj["spec"].setdefault("selector", dict(labels))


def _default_stateful_set(obj: Json) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    spec.setdefault("serviceName", "")
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    spec.setdefault("revisionHistoryLimit", 10)
    _default_template(spec)


def _default_daemon_set(obj: Json) -> None:
    spec = _spec(obj)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("maxUnavailable", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    _default_template(spec)
    obj["metadata"].setdefault("annotations", {}).setdefault(TEMPLATE_GENERATION, "1")


def _default_batch_run(obj: Json) -> None:
    spec = _spec(obj)
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    template = spec.setdefault("template", {})
    if not spec.get("manualSelector") and "selector" not in spec:
        generated = {"controller-uid": obj["metadata"].get("uid", ""), "job-name": name_of(obj)}
        template.setdefault("metadata", {}).setdefault("labels", {}).update(generated)
        spec["selector"] = {"matchLabels": {"controller-uid": generated["controller-uid"]}}
    labels = (template.get("metadata") or {}).get("labels")
    if labels:
        obj["metadata"].setdefault("labels", dict(labels))
    _default_template(spec)


def _default_cron(obj: Json) -> None:
    spec = _spec(obj)
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    made = spec.setdefault("jobTemplate", {})
    made.setdefault("metadata", {}).setdefault("creationTimestamp", None)
    _default_template(made.setdefault("spec", {}))


def _default_service(obj: Json) -> None:
    spec = _spec(obj)
    kind = spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if kind in ("LoadBalancer", "NodePort"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    obj.setdefault("status", {"loadBalancer": {}})


def _default_autoscaler(obj: Json) -> None:
    spec = _spec(obj)
    spec.setdefault("minReplicas", 1)
    target = {"type": "Utilization", "averageUtilization": 80}
    spec.setdefault("metrics", [{"type": "Resource", "resource": {"name": "cpu", "target": target}}])


def _default_namespace(obj: Json) -> None:
    _spec(obj).setdefault("finalizers", ["kubernetes"])
    obj.setdefault("status", {"phase": "Active"})


def _default_secret(obj: Json) -> None:
    obj.setdefault("type", "Opaque")


def _default_binding(obj: Json) -> None:
    obj.get("roleRef", {}).setdefault("apiGroup", "rbac.authorization.k8s.io")
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _default_definition(obj: Json) -> None:
    spec = _spec(obj)
    names = spec.setdefault("names", {})
    kind = str(names.get("kind", ""))
    names.setdefault("singular", kind.lower())
    names.setdefault("listKind", f"{kind}List")
    spec.setdefault("conversion", {"strategy": "None"})


def _default_webhook(webhook: Json, version: str) -> None:
    first = version == "v1beta1"
    webhook.setdefault("failurePolicy", "Ignore" if first else "Fail")
    webhook.setdefault("matchPolicy", "Exact" if first else "Equivalent")
    webhook.setdefault("timeoutSeconds", 30 if first else 10)
    webhook.setdefault("reinvocationPolicy", "Never")
    webhook.setdefault("namespaceSelector", {})
    webhook.setdefault("objectSelector", {})
    if first:
        webhook.setdefault("sideEffects", "Unknown")
        webhook.setdefault("admissionReviewVersions", ["v1beta1"])
    for rule in webhook.get("rules") or ():
        rule.setdefault("scope", "*")
    settings = webhook.get("clientConfig") or {}
    if not settings.get("caBundle"):
        # An empty []byte is left out when Kubernetes writes the object.
        settings.pop("caBundle", None)
    if "service" in settings:
        settings["service"].setdefault("port", 443)


_WEBHOOKS = (
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
)
_DEFAULTS: dict[str, Callable[[Json], None]] = {
    "pods": default_pod,
    "namespaces": _default_namespace,
    "services": _default_service,
    "secrets": _default_secret,
    "replicationcontrollers": _default_replication_controller,
    "deployments.apps": _default_deployment,
    "replicasets.apps": _default_replica_set,
    "statefulsets.apps": _default_stateful_set,
    "daemonsets.apps": _default_daemon_set,
    "jobs.batch": _default_batch_run,
    "cronjobs.batch": _default_cron,
    "horizontalpodautoscalers.autoscaling": _default_autoscaler,
    "clusterrolebindings.rbac.authorization.k8s.io": _default_binding,
    "rolebindings.rbac.authorization.k8s.io": _default_binding,
    "customresourcedefinitions.apiextensions.k8s.io": _default_definition,
}

# What the server writes for a new object before any controller has looked at it.
FIRST_STATUS: dict[str, Json] = {
    "deployments.apps": {},
    "replicasets.apps": {"replicas": 0},
    "replicationcontrollers": {"replicas": 0},
    "statefulsets.apps": {"replicas": 0},
    "daemonsets.apps": {
        "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
    },
    "jobs.batch": {},
    "cronjobs.batch": {},
    "poddisruptionbudgets.policy": {
        "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0,
    },
    "horizontalpodautoscalers.autoscaling": {"currentReplicas": 0, "desiredReplicas": 0},
}  # fmt: skip
