"""Label selectors (query strings and objects) and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.cluster.objects.errors import bad_request
from sandbox.cluster.objects.objects import Json

Labels = Mapping[str, str]
LabelTest = Callable[[Labels], bool]
FieldTest = Callable[[Json], bool]

_SET = re.compile(r"^(\S+)\s+(in|notin)\s*\((.*)\)$")
_EQUAL = re.compile(r"^([^!=\s]+)\s*(==|=|!=)\s*([^=\s]*)$")
_KEY = re.compile(r"^(!?)\s*([A-Za-z0-9./_-]+)$")

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
NO_NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)

# Fields that each kind can be selected by, besides metadata.name and metadata.namespace.
_FIELDS: dict[str, frozenset[str]] = {
    "pods": frozenset({
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
        "status.podIP", "status.nominatedNodeName",
    }),
    "events": frozenset({
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "type",
        "source", "reportingComponent",
    }),
    "nodes": frozenset({"spec.unschedulable"}),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "replicationcontrollers": frozenset({"status.replicas"}),
    "replicasets.apps": frozenset({"status.replicas"}),
    "jobs.batch": frozenset({"status.successful"}),
}  # fmt: skip


def parse_label_selector(text: str) -> LabelTest:
    """Compile a labelSelector query value. Raises ApiError 400."""
    tests = [_requirement(part.strip()) for part in _split(text)]
    return lambda labels: all(test(labels) for test in tests)


def match_label_selector(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Match a LabelSelector object: None matches nothing, {} everything."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression(row, labels) for row in selector.get("matchExpressions") or ())


def match_node_terms(terms: Sequence[Mapping[str, Any]], labels: Labels) -> bool:
    """Match a node's labels against nodeSelectorTerms: one of them is enough, and an empty one matches nothing."""
    return any(
        bool(rows := term.get("matchExpressions") or ()) and all(_node_expression(row, labels) for row in rows)
        for term in terms
    )


def parse_field_selector(kind_key: str, text: str) -> FieldTest:
    """Compile a fieldSelector query value for a kind. Raises ApiError 400 for a field it can't be selected by."""
    tests = [_field_requirement(kind_key, part.strip(), text) for part in text.split(",") if part.strip()]
    return lambda obj: all(test(obj) for test in tests)


def named_by(text: str) -> str | None:
    """Return the name where a field selector asks for exactly one."""
    names = [part.split("=")[-1] for part in text.split(",") if re.match(r"^metadata\.name==?[^=]", part)]
    return names[0] if len(names) == 1 else None


def _split(text: str) -> list[str]:
    # Commas inside "(...)" belong to a set.
    return [part for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _requirement(part: str) -> LabelTest:
    if found := _SET.match(part):
        key, operator, listed = found.groups()
        members = frozenset(member.strip() for member in listed.split(","))
        return _set_test(key, operator, members)
    if found := _EQUAL.match(part):
        key, sign, value = found.groups()
        if sign == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _KEY.match(part):
        negated, key = found.groups()
        return lambda labels: (key in labels) != bool(negated)
    raise bad_request(f"unable to parse requirement: {_explain(part)}")


def _explain(part: str) -> str:
    key, _, rest = part.lstrip("! ").partition(" ")
    if not _NAME.fullmatch(key.rpartition("/")[2]):
        return f'invalid label key "{key}": {NO_NAME}'
    return f"found '{rest.split()[0]}', expected: '=', '!=', '==', 'in', notin'" if rest.split() else "found ''"


def _set_test(key: str, operator: str, members: frozenset[str]) -> LabelTest:
    if operator == "in":
        return lambda labels: labels.get(key) in members
    return lambda labels: labels.get(key) not in members


def _expression(row: Mapping[str, Any], labels: Labels) -> bool:
    key, members = row["key"], row.get("values") or []
    match row["operator"]:
        case "In":
            return labels.get(key) in members
        case "NotIn":
            return labels.get(key) not in members
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise bad_request(f'"{other}" is not a valid label selector operator')


def _node_expression(row: Mapping[str, Any], labels: Labels) -> bool:
    if row["operator"] not in ("Gt", "Lt"):
        return _expression(row, labels)
    try:
        found, limit = int(labels[row["key"]]), int(row["values"][0])
    except (KeyError, ValueError):
        return False
    return found > limit if row["operator"] == "Gt" else found < limit


def _field_requirement(kind_key: str, part: str, whole: str) -> FieldTest:
    found = re.match(r"^([\w.]+)(==|=|!=)(.*)$", part)
    if not found:
        raise bad_request(f"invalid selector: '{whole}'; can't understand '{part}'")
    path, sign, value = found.groups()
    if path not in ("metadata.name", "metadata.namespace") and path not in _FIELDS.get(kind_key, ()):
        raise bad_request(f"field label not supported: {path}")
    steps = path.split(".")
    if sign == "!=":
        return lambda obj: _read(obj, steps) != value
    return lambda obj: _read(obj, steps) == value


def _read(obj: Json, steps: list[str]) -> str:
    found: Any = obj
    if steps == ["source"]:
        return str((obj.get("source") or {}).get("component", ""))
    if steps == ["status", "successful"]:
        return str((obj.get("status") or {}).get("succeeded", 0))
    for step in steps:
        found = found.get(step) if isinstance(found, Mapping) else None
    if isinstance(found, bool):
        return str(found).lower()
    if found is None:
        return {"unschedulable": "false", "replicas": "0"}.get(steps[-1], "")
    return str(found)
