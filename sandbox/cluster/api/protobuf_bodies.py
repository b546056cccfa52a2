"""Request bodies that newer kubectls send as protobuf: the few kinds that its `create`, `auth` and `drain` write.

Field numbers are those of Kubernetes' generated.proto files (k8s.io/api, k8s.io/apimachinery).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.cluster.objects.errors import ApiError, bad_request
from sandbox.cluster.objects.objects import Json

MAGIC = b"k8s\x00"

# message: {field number: (JSON name, shape)}; shape is a scalar, "map" (string to string), "bytes map", or a message
# name; a trailing * means repeated.
_Schema = dict[int, tuple[str, str]]
_LABELS: _Schema = {11: ("labels", "map"), 12: ("annotations", "map")}
_META: _Schema = {1: ("metadata", "ObjectMeta")}
_MESSAGES: dict[str, _Schema] = {
    "ObjectMeta": {1: ("name", "text"), 2: ("generateName", "text"), 3: ("namespace", "text"), 5: ("uid", "text"),
                   6: ("resourceVersion", "text"), **_LABELS},
    "RoleRef": {1: ("apiGroup", "text"), 2: ("kind", "text"), 3: ("name", "text")},
    "Subject": {1: ("kind", "text"), 2: ("apiGroup", "text"), 3: ("name", "text"), 4: ("namespace", "text")},
    "PolicyRule": {1: ("verbs", "text*"), 2: ("apiGroups", "text*"), 3: ("resources", "text*"),
                   4: ("resourceNames", "text*"), 5: ("nonResourceURLs", "text*")},
    "ClusterRoleBinding": {**_META, 2: ("subjects", "Subject*"), 3: ("roleRef", "RoleRef")},
    "RoleBinding": {**_META, 2: ("subjects", "Subject*"), 3: ("roleRef", "RoleRef")},
    "ClusterRole": {**_META, 2: ("rules", "PolicyRule*")},
    "Role": {**_META, 2: ("rules", "PolicyRule*")},
    "Namespace": {**_META},
    "ServiceAccount": {**_META},
    "ConfigMap": {**_META, 2: ("data", "map")},
    "ResourceAttributes": {1: ("namespace", "text"), 2: ("verb", "text"), 3: ("group", "text"), 4: ("version", "text"),
                           5: ("resource", "text"), 6: ("subresource", "text"), 7: ("name", "text")},
    "NonResourceAttributes": {1: ("path", "text"), 2: ("verb", "text")},
    "ReviewSpec": {1: ("resourceAttributes", "ResourceAttributes"),
                   2: ("nonResourceAttributes", "NonResourceAttributes")},
    "SelfSubjectAccessReview": {**_META, 2: ("spec", "ReviewSpec")},
    "RulesSpec": {1: ("namespace", "text")},
    "SelfSubjectRulesReview": {**_META, 2: ("spec", "RulesSpec")},
    "Preconditions": {1: ("uid", "text"), 2: ("resourceVersion", "text")},
    "DeleteOptions": {1: ("gracePeriodSeconds", "number"), 2: ("preconditions", "Preconditions"),
                      3: ("orphanDependents", "flag"), 4: ("propagationPolicy", "text"), 5: ("dryRun", "text*")},
    "Eviction": {**_META, 2: ("deleteOptions", "DeleteOptions")},
}  # fmt: skip


def read_protobuf(raw: bytes) -> Json:
    """Decode a body. Raises ApiError 400 for a damaged one and 415 for a kind not in the table."""
    if not raw.startswith(MAGIC):
        raise bad_request("the body is not protobuf as Kubernetes frames it")
    # runtime.Unknown: typeMeta = 1 {apiVersion = 1, kind = 2}, raw = 2.
    envelope = dict(_fields(raw[len(MAGIC) :]))
    kinds = dict(_fields(_bytes(envelope.get(1, b""))))
    kind = _bytes(kinds.get(2, b"")).decode()
    if kind not in _MESSAGES:
        message = f"the simulated cluster reads {kind or 'this body'} as JSON only, not as protobuf"
        raise ApiError(415, "UnsupportedMediaType", message)
    read = _message(kind, _bytes(envelope.get(2, b"")))
    return {"apiVersion": _bytes(kinds.get(1, b"")).decode(), "kind": kind, **read}


def _message(name: str, raw: bytes) -> Json:
    schema = _MESSAGES[name]
    read: Json = {}
    for number, value in _fields(raw):
        if number not in schema:
            continue
        field, shape = schema[number]
        if shape.endswith("*"):
            read.setdefault(field, []).append(_value(shape[:-1], value))
        elif shape == "map":
            pair = dict(_fields(_bytes(value)))
            read.setdefault(field, {})[_bytes(pair.get(1, b"")).decode()] = _bytes(pair.get(2, b"")).decode()
        elif (found := _value(shape, value)) != "":
            read[field] = found
    return read


def _value(shape: str, value: int | bytes) -> Any:
    if shape == "number":
        return value
    if shape == "flag":
        return bool(value)
    if shape == "text":
        return _bytes(value).decode()
    return _message(shape, _bytes(value))


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    while place < len(raw):
        tag, place = _varint(raw, place)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, place = _varint(raw, place)
            yield number, value
        elif wire == 2:
            length, place = _varint(raw, place)
            yield number, raw[place : place + length]
            place += length
        else:
            raise bad_request(f"protobuf wire type {wire} is not used by Kubernetes")


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(raw):
        byte = raw[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise bad_request("the protobuf body ends too early")


def _bytes(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else b""
