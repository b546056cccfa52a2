"""Between the version a client speaks and the one version objects are kept under."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.objects.resources import Resource

_Convert = Callable[[Json], Json]


def to_stored(resource: Resource, version: str, obj: Json) -> Json:
    """Return a client's object in the kept form. `obj` is not changed."""
    convert = _INBOUND.get((resource.key, version))
    converted = convert(obj) if convert else obj
    return {**converted, "kind": resource.kind, "apiVersion": resource.stored_api_version}


def from_stored(resource: Resource, version: str, obj: Json) -> Json:
    """Return a kept object in the form of a version."""
    if version == resource.stored_version:
        return obj
    convert = _OUTBOUND.get((resource.key, version))
    converted = convert(obj) if convert else obj
    return {**converted, "apiVersion": resource.api_version(version)}


def _hpa_from_v1(obj: Json) -> Json:
    spec = dict(obj.get("spec") or {})
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    if percent is not None:
        target = {"type": "Utilization", "averageUtilization": percent}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {**obj, "spec": spec}


def _hpa_to_v1(obj: Json) -> Json:
    spec = dict(obj["spec"])
    for metric in spec.pop("metrics", None) or ():
        percent = (metric.get("resource") or {}).get("target", {}).get("averageUtilization")
        if percent is not None:
            spec["targetCPUUtilizationPercentage"] = percent
    kept = ("currentReplicas", "desiredReplicas", "observedGeneration", "lastScaleTime")
    status = {name: value for name, value in (obj.get("status") or {}).items() if name in kept}
    return {**obj, "spec": spec, "status": status}


def _hpa_from_v2beta1(obj: Json) -> Json:
    spec = dict(obj.get("spec") or {})
    if "metrics" in spec:
        spec["metrics"] = [_metric_from_v2beta1(metric) for metric in spec["metrics"] or ()]
    return {**obj, "spec": spec}


def _metric_from_v2beta1(metric: Json) -> Json:
    source = metric.get("resource")
    if not source or "target" in source:
        return metric
    if "targetAverageUtilization" in source:
        target = {"type": "Utilization", "averageUtilization": source["targetAverageUtilization"]}
    else:
        target = {"type": "AverageValue", "averageValue": source.get("targetAverageValue")}
    return {**metric, "resource": {"name": source["name"], "target": target}}


def _hpa_to_v2beta1(obj: Json) -> Json:
    spec = dict(obj["spec"])
    if "metrics" in spec:
        spec["metrics"] = [_metric_to_v2beta1(metric) for metric in spec["metrics"]]
    return {**obj, "spec": spec}


def _metric_to_v2beta1(metric: Json) -> Json:
    source = metric.get("resource") or {}
    percent = source.get("target", {}).get("averageUtilization")
    if percent is None:
        return metric
    return {**metric, "resource": {"name": source["name"], "targetAverageUtilization": percent}}


def _crd_from_v1beta1(obj: Json) -> Json:
    spec = dict(obj.get("spec") or {})
    only = spec.pop("version", None)
    versions = spec.get("versions") or ([{"name": only, "served": True, "storage": True}] if only else [])
    schema = spec.pop("validation", None)
    columns = [_renamed(row, "JSONPath", "jsonPath") for row in spec.pop("additionalPrinterColumns", None) or ()]
    shared = {"schema": schema, "subresources": spec.pop("subresources", None), "additionalPrinterColumns": columns}
    present = {name: value for name, value in shared.items() if value}
    spec["versions"] = [{**present, **row} for row in versions]
    spec.setdefault("preserveUnknownFields", True)
    return {**obj, "spec": spec}


def _crd_to_v1beta1(obj: Json) -> Json:
    spec = dict(obj["spec"])
    first = spec["versions"][0]
    spec["version"] = first["name"]
    if "schema" in first:
        spec["validation"] = first["schema"]
    if "subresources" in first:
        spec["subresources"] = first["subresources"]
    if "additionalPrinterColumns" in first:
        spec["additionalPrinterColumns"] = [
            _renamed(row, "jsonPath", "JSONPath") for row in first["additionalPrinterColumns"]
        ]
    spec["versions"] = [{name: row[name] for name in ("name", "served", "storage")} for row in spec["versions"]]
    return {**obj, "spec": spec}


def _renamed(row: Json, old: str, new: str) -> Json:
    return {(new if key == old else key): value for key, value in row.items()}


_HPA = "horizontalpodautoscalers.autoscaling"
_CRD = "customresourcedefinitions.apiextensions.k8s.io"
_INBOUND: dict[tuple[str, str], _Convert] = {
    (_HPA, "v1"): _hpa_from_v1,
    (_HPA, "v2beta1"): _hpa_from_v2beta1,
    (_CRD, "v1beta1"): _crd_from_v1beta1,
}
_OUTBOUND: dict[tuple[str, str], _Convert] = {
    (_HPA, "v1"): _hpa_to_v1,
    (_HPA, "v2beta1"): _hpa_to_v2beta1,
    (_CRD, "v1beta1"): _crd_to_v1beta1,
}
