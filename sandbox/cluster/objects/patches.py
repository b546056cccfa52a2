"""JSON patch (RFC 6902), merge patch (RFC 7386) and Kubernetes' strategic merge patch."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.objects.errors import ApiError, bad_request, failed
from sandbox.cluster.objects.go_words import write_value
from sandbox.cluster.objects.objects import Json, copy_json

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

# Lists that strategic merge joins by a key, by field name (source: patchMergeKey tags of the API types).
_MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",), "initContainers": ("name",), "ephemeralContainers": ("name",), "volumes": ("name",),
    "env": ("name",), "volumeMounts": ("mountPath",), "volumeDevices": ("devicePath",), "imagePullSecrets": ("name",),
    "hostAliases": ("ip",), "topologySpreadConstraints": ("topologyKey",), "conditions": ("type",),
    "ownerReferences": ("uid",), "webhooks": ("name",), "secrets": ("name",), "taints": ("key",),
    "podIPs": ("ip",), "addresses": ("type",), "ports": ("containerPort", "port"),
}  # fmt: skip
# Lists of plain values that strategic merge joins into a set.
_MERGED_SETS = frozenset({"finalizers"})


def apply_patch(target: Json, patch: Any, media_type: str) -> Json:
    """Return `target` with the patch applied. Raises ApiError 400, 415 or 422."""
    if media_type == JSON_PATCH:
        return _json_patch(target, patch)
    if not isinstance(patch, dict):
        raise bad_request("json: cannot unmarshal the patch into an object")
    if media_type == MERGE_PATCH:
        merged: Json = _merge(target, patch)
        return merged
    if media_type in (STRATEGIC_PATCH, APPLY_PATCH):
        return _strategic(target, patch)
    raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type")


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy_json(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _strategic(target: Json, patch: Json) -> Json:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copy_json(value) for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    merged = dict(target)
    for key, value in patch.items():
        if key == "$retainKeys":
            merged = {kept: merged[kept] for kept in merged if kept in value}
    for key, value in patch.items():
        if not key.startswith("$"):
            _strategic_field(merged, key, value, patch)
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            merged[field] = [member for member in merged.get(field) or [] if member not in value]
    _reorder(merged, patch)
    return merged


def _strategic_field(merged: Json, key: str, value: Any, patch: Json) -> None:
    here = merged.get(key)
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, dict):
        changed = _strategic(here if isinstance(here, dict) else {}, value)
        if value.get("$patch") == "delete":
            merged.pop(key, None)
        else:
            merged[key] = changed
    elif isinstance(value, list):
        merged[key] = _strategic_list(key, here if isinstance(here, list) else [], value)
    else:
        merged[key] = value


def _strategic_list(field: str, target: list[Any], patch: list[Any]) -> list[Any]:
    if any(isinstance(row, dict) and row.get("$patch") == "replace" for row in patch):
        return [copy_json(row) for row in patch if not (isinstance(row, dict) and "$patch" in row and len(row) == 1)]
    if field in _MERGED_SETS:
        return [*target, *(member for member in patch if member not in target)]
    key = _merge_key(field, [*target, *patch])
    if key is None:
        return [copy_json(row) for row in patch]
    merged = [*target]
    for row in patch:
        _join_row(merged, key, row)
    return merged


def _join_row(merged: list[Any], key: str, row: Json) -> None:
    if key not in row:
        raise failed(f"map: {write_value(row)} does not contain declared merge key: {key}")
    place = next((index for index, old in enumerate(merged) if old.get(key) == row[key]), None)
    if row.get("$patch") == "delete":
        if place is not None:
            del merged[place]
    elif place is None:
        merged.append(_strategic({}, row))
    else:
        merged[place] = _strategic(merged[place], row)


def _merge_key(field: str, rows: list[Any]) -> str | None:
    if not rows or not all(isinstance(row, dict) for row in rows):
        return None
    keys = _MERGE_KEYS.get(field, ())
    return next((key for key in keys if any(key in row for row in rows)), None)


def _reorder(merged: Json, patch: Json) -> None:
    for order_key, order in patch.items():
        if not order_key.startswith("$setElementOrder/"):
            continue
        field = order_key.partition("/")[2]
        rows = merged.get(field)
        if not isinstance(rows, list):
            continue
        key = _merge_key(field, rows)
        names = [row[key] if key and isinstance(row, dict) and key in row else row for row in order]
        place = {name if not isinstance(name, dict) else str(name): index for index, name in enumerate(names)}
        merged[field] = sorted(rows, key=lambda row: place.get(row.get(key) if key else row, len(place)))


def _json_patch(target: Json, patch: Any) -> Json:
    if not isinstance(patch, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    changed: Json = copy_json(target)
    for operation in patch:
        try:
            _operate(changed, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            message = "the server rejected our request due to an error in our request"
            raise ApiError(422, "Invalid", message) from error
    return changed


def _operate(document: Any, operation: Json) -> None:
    parent, last = _find_parent(document, operation["path"])
    match operation["op"]:
        case "add":
            _insert(parent, last, copy_json(operation["value"]))
        case "remove":
            _take(parent, last)
        case "replace":
            _take(parent, last)
            _insert(parent, last, copy_json(operation["value"]))
        case "test":
            if _look(parent, last) != operation.get("value"):
                raise ValueError("testing value failed")
        case "copy" | "move" as name:
            source, source_last = _find_parent(document, operation["from"])
            value = copy_json(_look(source, source_last))
            if name == "move":
                _take(source, source_last)
            parent, last = _find_parent(document, operation["path"])
            _insert(parent, last, value)
        case other:
            raise ValueError(f"unexpected kind: {other}")


def _find_parent(document: Any, pointer: str) -> tuple[Any, str]:
    steps = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for step in steps[:-1]:
        document = _look(document, step)
    return document, steps[-1]


def _look(parent: Any, step: str) -> Any:
    return parent[int(step)] if isinstance(parent, list) else parent[step]


def _take(parent: Any, step: str) -> None:
    if isinstance(parent, list):
        del parent[int(step)]
    else:
        del parent[step]


def _insert(parent: Any, step: str, value: Any) -> None:
    if not isinstance(parent, list):
        parent[step] = value
    elif step == "-":
        parent.append(value)
    else:
        parent.insert(int(step), value)
