"""Values that a field of the right type can't have: enums, percentages, schedules, selectors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.objects.resources import Resource
from sandbox.cluster.objects.schedules import WrongSchedule, read_schedule

Cause = tuple[str, str, str]
_PERCENT = re.compile(r"^[0-9]+%$")
_POD_ENUMS = {
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "dnsPolicy": ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
}
_CONTAINER_ENUMS = {
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "terminationMessagePolicy": ("File", "FallbackToLogsOnError"),
}
_ENUMS: dict[str, dict[str, tuple[str, ...]]] = {
    "deployments.apps": {"spec.strategy.type": ("Recreate", "RollingUpdate")},
    "daemonsets.apps": {"spec.updateStrategy.type": ("RollingUpdate", "OnDelete")},
    "statefulsets.apps": {
        "spec.updateStrategy.type": ("RollingUpdate", "OnDelete"),
        "spec.podManagementPolicy": ("OrderedReady", "Parallel"),
    },
    "cronjobs.batch": {"spec.concurrencyPolicy": ("Allow", "Forbid", "Replace")},
    "services": {
        "spec.type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
        "spec.sessionAffinity": ("ClientIP", "None"),
    },
}
_AMOUNTS = {
    "deployments.apps": ("spec.strategy.rollingUpdate.maxSurge", "spec.strategy.rollingUpdate.maxUnavailable"),
    "daemonsets.apps": ("spec.updateStrategy.rollingUpdate.maxUnavailable",),
    "poddisruptionbudgets.policy": ("spec.minAvailable", "spec.maxUnavailable"),
}
_NOT_NEGATIVE = ("spec.replicas", "spec.minReadySeconds", "spec.completions", "spec.parallelism", "spec.backoffLimit")
_REQUIRED = {"horizontalpodautoscalers.autoscaling": ("spec.scaleTargetRef", "spec.maxReplicas")}
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def find_value_causes(resource: Resource, obj: Json) -> list[Cause]:
    """Say what is wrong with the values of an object whose fields have their types."""
    causes = [
        ("FieldValueRequired", path, "Required value")
        for path in _REQUIRED.get(resource.key, ())
        if _at(obj, path) is None
    ]
    causes += [*_enum_causes(resource, obj), *_amount_causes(resource, obj), *_number_causes(obj)]
    selector = _at(obj, "spec.selector")
    if resource.group in ("apps", "batch", "policy") and isinstance(selector, Mapping):
        causes += _selector_causes(selector)
    if resource.key == "services" and not _at(obj, "spec.ports") and _needs_ports(obj.get("spec") or {}):
        causes.append(("FieldValueRequired", "spec.ports", "Required value"))
    if resource.key == "cronjobs.batch":
        causes += _schedule_causes(_at(obj, "spec.schedule"))
    if resource.key == "leases.coordination.k8s.io":
        causes += _lease_causes(obj)
    spec, where = _pod_spec(resource, obj)
    return [*causes, *_pod_causes(spec, where)]


def _at(obj: Mapping[str, Any], path: str) -> Any:
    found: Any = obj
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _pod_spec(resource: Resource, obj: Json) -> tuple[Mapping[str, Any], str]:
    if resource.key == "pods":
        return obj.get("spec") or {}, "spec"
    path = "spec.jobTemplate.spec.template.spec" if resource.key == "cronjobs.batch" else "spec.template.spec"
    return (_at(obj, path) or {}, path) if not resource.custom else ({}, "")


def _unsupported(field: str, value: object, choices: tuple[str, ...]) -> Cause:
    listed = ", ".join(f'"{choice}"' for choice in choices)
    return "FieldValueNotSupported", field, f'Unsupported value: "{value}": supported values: {listed}'


def _invalid(field: str, value: object, why: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else value
    return "FieldValueInvalid", field, f"Invalid value: {shown}: {why}"


def _enum_causes(resource: Resource, obj: Json) -> Iterator[Cause]:
    for path, choices in _ENUMS.get(resource.key, {}).items():
        value = _at(obj, path)
        if value is not None and value not in choices:
            yield _unsupported(path, value, choices)


def _needs_ports(spec: Mapping[str, Any]) -> bool:
    return spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"


def _pod_causes(spec: Mapping[str, Any], where: str) -> Iterator[Cause]:
    for name, choices in _POD_ENUMS.items():
        if spec.get(name, choices[0]) not in choices:
            yield _unsupported(f"{where}.{name}", spec[name], choices)
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or ()):
            for name, choices in _CONTAINER_ENUMS.items():
                if container.get(name, choices[0]) not in choices:
                    yield _unsupported(f"{where}.{group}[{index}].{name}", container[name], choices)


def _amount_causes(resource: Resource, obj: Json) -> Iterator[Cause]:
    paths = _AMOUNTS.get(resource.key, ())
    for path in paths:
        value = _at(obj, path)
        if isinstance(value, str) and not _PERCENT.match(value):
            why = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%')"
            yield _invalid(path, value, why)
        elif isinstance(value, int) and value < 0:
            yield _invalid(path, value, "must be greater than or equal to 0")
    values = [_at(obj, path) for path in paths]
    if resource.key == "deployments.apps" and all(value in (0, "0%") for value in values):
        yield _invalid(paths[1], values[1], "may not be 0 when `maxSurge` is 0")
    if resource.key == "daemonsets.apps" and values[0] in (0, "0%"):
        yield _invalid(paths[0], values[0], "cannot be 0")


def _number_causes(obj: Json) -> Iterator[Cause]:
    for path in _NOT_NEGATIVE:
        value = _at(obj, path)
        if isinstance(value, int) and value < 0:
            yield _invalid(path, value, "must be greater than or equal to 0")


def _lease_causes(obj: Json) -> Iterator[Cause]:
    seconds, transitions = _at(obj, "spec.leaseDurationSeconds"), _at(obj, "spec.leaseTransitions")
    if isinstance(seconds, int) and seconds <= 0:
        yield _invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    if isinstance(transitions, int) and transitions < 0:
        yield _invalid("spec.leaseTransitions", transitions, "must be greater or equal than 0")


def _selector_causes(selector: Mapping[str, Any]) -> Iterator[Cause]:
    for index, row in enumerate(selector.get("matchExpressions") or ()):
        where = f"spec.selector.matchExpressions[{index}]"
        if row.get("operator") not in _OPERATORS:
            yield _invalid(f"{where}.operator", row.get("operator", ""), "not a valid selector operator")
        elif row["operator"] in _OPERATORS[:2] and not row.get("values"):
            why = "Required value: must be specified when `operator` is 'In' or 'NotIn'"
            yield "FieldValueRequired", f"{where}.values", why


def _schedule_causes(schedule: object) -> Iterator[Cause]:
    if not schedule:
        yield "FieldValueRequired", "spec.schedule", "Required value"
        return
    try:
        read_schedule(str(schedule))
    except WrongSchedule as error:
        yield _invalid("spec.schedule", str(schedule), str(error))
