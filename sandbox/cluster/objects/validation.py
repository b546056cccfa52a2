"""Those checks of the API server that a mesh upgrade can run into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.cluster.objects.errors import invalid
from sandbox.cluster.objects.field_values import Cause, find_value_causes
from sandbox.cluster.objects.go_words import write_selector, write_texts
from sandbox.cluster.objects.objects import Json, copy_json, name_of
from sandbox.cluster.objects.resources import Resource
from sandbox.cluster.objects.selectors import NO_NAME, match_label_selector

_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
_LABEL_VALUE = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")
_LABEL_KEY = re.compile(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
_NO_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_NO_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_TEMPLATED = (
    "deployments.apps", "replicasets.apps", "daemonsets.apps", "jobs.batch", "statefulsets.apps",
    "replicationcontrollers",
)  # fmt: skip
_STATEFUL_MUTABLE = ("replicas", "template", "updateStrategy")


def check_new(resource: Resource, obj: Json) -> None:
    """Raise ApiError 422 where the object can't be created."""
    _raise(resource, obj, _find_causes(resource, obj))


def check_changed(resource: Resource, before: Json, after: Json) -> None:
    """Raise ApiError 422 where the object can't become what is asked."""
    _raise(resource, after, _find_causes(resource, after) + _immutable_causes(resource, before, after))


def _find_causes(resource: Resource, obj: Json) -> list[Cause]:
    causes = _metadata_causes(resource, obj)
    # Where a value is impossible, what else depends on it isn't looked at.
    return causes + (find_value_causes(resource, obj) or _spec_causes(resource, obj))


def _raise(resource: Resource, obj: Json, causes: list[Cause]) -> None:
    if causes:
        raise invalid(resource.kind, resource.group, name_of(obj), causes)


def _metadata_causes(resource: Resource, obj: Json) -> list[Cause]:
    causes: list[Cause] = []
    name = name_of(obj)
    if not name:
        causes.append(("FieldValueRequired", "metadata.name", "Required value: name or generateName is required"))
    elif not _SUBDOMAIN.match(name) and resource.group != "rbac.authorization.k8s.io":
        causes.append(("FieldValueInvalid", "metadata.name", f'Invalid value: "{name}": {_NO_SUBDOMAIN}'))
    for key, value in (obj["metadata"].get("labels") or {}).items():
        if not isinstance(value, str) or not _LABEL_VALUE.match(value):
            causes.append(("FieldValueInvalid", "metadata.labels", f'Invalid value: "{value}": {_NO_VALUE}'))
        if not _LABEL_KEY.match(key):
            causes.append(("FieldValueInvalid", "metadata.labels", f'Invalid value: "{key}": {NO_NAME}'))
    return causes


def _spec_causes(resource: Resource, obj: Json) -> list[Cause]:
    spec = obj.get("spec") or {}
    if resource.key == "pods":
        return _container_causes(spec, "spec")
    if resource.key in _TEMPLATED:
        return _template_causes(resource, spec)
    if resource.key == "poddisruptionbudgets.policy" and "minAvailable" in spec and "maxUnavailable" in spec:
        why = "Invalid value: minAvailable and maxUnavailable cannot be both set"
        return [("FieldValueInvalid", "spec", why)]
    return []


def _template_causes(resource: Resource, spec: Mapping[str, Any]) -> list[Cause]:
    template = spec.get("template") or {}
    causes: list[Cause] = []
    labels = (template.get("metadata") or {}).get("labels") or {}
    selector = spec.get("selector")
    if selector is None:
        causes.append(("FieldValueRequired", "spec.selector", "Required value"))
    wanted = {"matchLabels": selector} if resource.key == "replicationcontrollers" else selector
    if not match_label_selector(wanted, labels):
        why = f"Invalid value: {write_texts(labels)}: `selector` does not match template `labels`"
        causes.append(("FieldValueInvalid", "spec.template.metadata.labels", why))
    return causes + _container_causes(template.get("spec") or {}, "spec.template.spec")


def _container_causes(spec: Mapping[str, Any], path: str) -> list[Cause]:
    containers = spec.get("containers") or []
    if not containers:
        return [("FieldValueRequired", f"{path}.containers", "Required value")]
    causes: list[Cause] = []
    names: set[str] = set()
    for index, container in enumerate([*containers, *(spec.get("initContainers") or ())]):
        where = f"{path}.containers[{index}]"
        if not container.get("name"):
            causes.append(("FieldValueRequired", f"{where}.name", "Required value"))
        if not container.get("image"):
            causes.append(("FieldValueRequired", f"{where}.image", "Required value"))
        if container.get("name") in names:
            causes.append(("FieldValueDuplicate", f"{where}.name", f'Duplicate value: "{container.get("name")}"'))
        names.add(container.get("name", ""))
    return causes


def _immutable_causes(resource: Resource, before: Json, after: Json) -> list[Cause]:
    old, new = before.get("spec") or {}, after.get("spec") or {}
    if resource.key == "pods":
        return _pod_causes(old, new)
    if resource.key == "statefulsets.apps":
        kept = [name for name in {*old, *new} if name not in _STATEFUL_MUTABLE and old.get(name) != new.get(name)]
        listed = "'replicas', 'template', and 'updateStrategy'"
        why = f"Forbidden: updates to statefulset spec for fields other than {listed} are forbidden"
        return [("FieldValueForbidden", "spec", why)] if kept else []
    if resource.key in _TEMPLATED[:4] and old.get("selector") != new.get("selector"):
        why = f"Invalid value: {write_selector(new.get('selector'))}: field is immutable"
        return [("FieldValueInvalid", "spec.selector", why)]
    if resource.key == "jobs.batch" and old.get("template") != new.get("template"):
        return [("FieldValueInvalid", "spec.template", "Invalid value: field is immutable")]
    if resource.key == "services" and old.get("clusterIP") and old.get("clusterIP") != new.get("clusterIP"):
        return [("FieldValueInvalid", "spec.clusterIP", f'Invalid value: "{new.get("clusterIP")}": field is immutable')]
    if resource.plural.endswith("rolebindings") and before.get("roleRef") != after.get("roleRef"):
        return [("FieldValueInvalid", "roleRef", f"Invalid value: {after.get('roleRef')}: cannot change roleRef")]
    return []


def _pod_causes(old: Json, new: Json) -> list[Cause]:
    if _pod_skeleton(old) == _pod_skeleton(new):
        return []
    listed = "`spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds`"
    added = "`spec.tolerations` (only additions to existing tolerations)"
    why = f"Forbidden: pod updates may not change fields other than {listed} or {added}"
    return [("FieldValueForbidden", "spec", why)]


def _pod_skeleton(spec: Json) -> Json:
    skeleton: Json = copy_json(spec)
    for name in ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"):
        skeleton.pop(name, None)
    for group in ("containers", "initContainers"):
        for container in skeleton.get(group) or ():
            container.pop("image", None)
    return skeleton
