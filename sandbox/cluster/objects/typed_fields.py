"""The types of fields, as Kubernetes' own client for Python knows them, and a server's refusal of others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.cluster.objects.errors import ApiError, invalid
from sandbox.cluster.objects.go_words import write_value
from sandbox.cluster.objects.objects import Json, copy_json
from sandbox.cluster.objects.quantities import is_quantity
from sandbox.cluster.objects.resources import Resource

if TYPE_CHECKING:
    from pydantic import BaseModel

# Models of the versions that objects are kept under; every other kind is kept as v1, or has the fields of v1.
_MODELS = {"HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler", "Event": "CoreV1Event"}
# Maps whose values are quantities: numbers and texts alike.
_QUANTITIES = frozenset({
    "requests", "limits", "hard", "used", "capacity", "allocatable", "overhead",
    "default", "defaultRequest", "max", "min", "maxLimitRequestRatio",
})  # fmt: skip
# Times that are read to the microsecond, and in no other form.
_MOMENTS = {"Lease": ("acquireTime", "renewTime")}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_GO_TYPES = {
    "int_type": "int32", "string_type": "string", "bool_type": "bool", "list_type": "slice", "dict_type": "map",
    "model_type": "struct", "float_type": "float64",
}  # fmt: skip


class MistypedField(ApiError):
    """A field of another type: 400 for an object as it is sent, 422 for one that a patch would make so."""

    def __init__(self, resource: Resource, version: str, why: str, merging: str = "") -> None:
        message = f'{resource.kind} in version "{version}" cannot be handled as a {resource.kind}: {why}'
        super().__init__(400, "BadRequest", message)
        self._why = why
        self._merging = merging or why

    def of_patch(self, patch: Json, patched: Json, *, strategic: bool) -> ApiError:
        """The refusal of a patch, which shows the patch itself where it was merged by the fields' own rules."""
        shown, why = (write_value(patch), self._merging) if strategic else (json.dumps(patched), self._why)
        return invalid("", "", "", [("FieldValueInvalid", "patch", f'Invalid value: "{shown}": {why}')])


def check_types(resource: Resource, version: str, obj: Json) -> None:
    """Raise ApiError 400 for the first field of another type, as the server does when it can't read an object."""
    if resource.custom:
        return
    spec = obj.get("spec")
    content = _encode(spec) if isinstance(spec, dict) else None
    if content is not None and _is_sound(resource.kind, content):
        obj = {name: part for name, part in obj.items() if name != "spec"}
    for why, merging in _complaints(resource.kind, obj):
        raise MistypedField(resource, version, why, merging)


@lru_cache(maxsize=4_000)
def _is_sound(kind: str, spec: bytes) -> bool:
    """Whether a kind's spec has fields of the right types: those of a template's pods are all the same."""
    return next(_complaints(kind, {"spec": msgspec.json.decode(spec)}), None) is None


def _complaints(kind: str, obj: Json) -> Iterator[tuple[str, str]]:
    """What the server says of each mistyped field, and what it says when it merges a patch."""
    for path, wrong, found in _faults(kind, obj):
        if wrong in _GO_TYPES and found is not None and not _is_amount(path, found):
            where = ".".join(str(step) for step in path if not isinstance(step, int))
            why = f"json: cannot unmarshal {_json_type(found)} into Go struct field {where} of type {_GO_TYPES[wrong]}"
            yield why, _describe_merge(_GO_TYPES[wrong], found)
    for name in _MOMENTS.get(kind, ()):
        moment = (obj.get("spec") or {}).get(name, "")
        if moment and not _MOMENT.fullmatch(str(moment)):
            yield f'parsing time "{moment}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse it', ""
    for where, amount in _amounts(obj.get("spec")):
        if not is_quantity(amount):
            why = r"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            yield f"{where}: {why}, which {amount!r} does not", why


def check_known(resource: Resource, version: str, obj: Json) -> None:
    """Raise ApiError 400 where fields have no meaning: what fieldValidation=Strict asks for."""
    if resource.custom:
        return
    faults = [path for path, wrong, _ in _faults(resource.kind, obj) if wrong == "extra_forbidden"]
    # $patch and its kin are directives of a strategic patch.
    unknown = [path for path in faults if not str(path[-1]).startswith("$")]
    if unknown:
        listed = ", ".join(f'unknown field "{".".join(str(step) for step in path)}"' for path in unknown)
        raise MistypedField(resource, version, f"strict decoding error: {listed}")


def drop_nulls(value: Any) -> Any:
    """Copy a JSON tree without the fields that are null: to the server they are not there."""
    content = _encode(value)
    return _drop_nulls(value) if content is None or b"null" in content else copy_json(value)


def _encode(value: Any) -> bytes | None:
    """As JSON; None where it can't be, as it came in YAML or is a number that is too large."""
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _drop_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _drop_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_drop_nulls(member) for member in value]
    return value


def _faults(kind: str, obj: Json) -> Iterator[tuple[tuple[str | int, ...], str, object]]:
    model = _model(kind)
    if model is None:
        return
    from pydantic import ValidationError

    try:
        model.model_validate(obj)
    except ValidationError as error:
        for row in error.errors(include_url=False, include_context=False):
            yield tuple(step for step in row["loc"] if _is_named(step)), row["type"], row["input"]


@cache
def _model(kind: str) -> type[BaseModel] | None:
    # Half a second and 50 MB: nobody who asks for help or for the table of weathers waits for it.
    from kubernetes.client import models

    found: type[BaseModel] | None = getattr(models, _MODELS.get(kind, f"V1{kind}"), None)
    return found


def _is_named(step: str | int) -> bool:
    """Tell a field from what pydantic adds for the members of a union."""
    return isinstance(step, int) or not step.startswith(("function-", "constrained-"))


def _is_amount(path: Sequence[str | int], found: object) -> bool:
    within = any(step in _QUANTITIES for step in path)
    return within and isinstance(found, int | float) and not isinstance(found, bool)


def _amounts(value: object, where: str = "spec") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name in _QUANTITIES and isinstance(member, Mapping):
                yield from ((f"{where}.{name}.{key}", amount) for key, amount in member.items())
            else:
                yield from _amounts(member, f"{where}.{name}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _amounts(member, f"{where}[{index}]")


def _json_type(found: object) -> str:
    match found:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _describe_merge(wanted: str, found: object) -> str:
    kind = {"array": "slice", "object": "map", "number": "int64"}.get(_json_type(found), _json_type(found))
    match wanted:
        case "struct":
            return f"cannot restore struct from: {kind}"
        case "slice" | "map":
            return f"cannot restore {wanted} from {kind}"
        case _:
            return f"unrecognized type: {wanted}"
