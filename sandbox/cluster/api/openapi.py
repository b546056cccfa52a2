"""/openapi/v2, as little as `kubectl apply` needs: which kinds can be patched, with which query parameters.

kubectl reads it as protobuf (gnostic's openapi_v2.Document), so the few messages are written out here.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.objects.resources import Resource, Resources

# fieldValidation came with 1.25; without it kubectl validates on its own.
_PARAMETERS = ("dryRun", "fieldManager", "force")
_SINCE_25 = ("fieldValidation",)
_GVK = "x-kubernetes-group-version-kind"


def openapi_document(resources: Resources, server_version: str) -> Json:
    """Return the document as JSON."""
    paths: Json = {}
    for resource, version, path in _patchable(resources):
        gvk = {"group": resource.group, "kind": resource.kind, "version": version}
        parameters = [
            {"name": name, "in": "query", "type": "string", "uniqueItems": True} for name in _parameters(resources)
        ]
        answers = {"200": {"description": "OK"}}
        paths[path] = {"patch": {"parameters": parameters, "responses": answers, _GVK: gvk}}
    info = {"title": "Kubernetes", "version": server_version}
    return {"swagger": "2.0", "info": info, "paths": paths, "definitions": {}}


def openapi_protobuf(resources: Resources, server_version: str) -> bytes:
    """Return the document as protobuf."""
    info = _text(1, "Kubernetes") + _text(2, server_version)
    paths = b"".join(
        _message(2, _text(1, path) + _message(2, _message(8, _operation(resources, resource, version))))
        for resource, version, path in _patchable(resources)
    )
    return _text(1, "2.0") + _message(2, info) + _message(8, paths)


def _operation(resources: Resources, resource: Resource, version: str) -> bytes:
    parameters = b"".join(
        # ParametersItem.parameter > Parameter.non_body_parameter > NonBodyParameter.query_parameter_sub_schema
        _message(8, _message(1, _message(2, _message(3, _text(2, "query") + _text(4, name) + _text(6, "string")))))
        for name in _parameters(resources)
    )
    gvk = f"group: {resource.group!r}\nkind: {resource.kind}\nversion: {version}\n"
    return parameters + _message(13, _text(1, _GVK) + _message(2, _text(2, gvk)))


def _parameters(resources: Resources) -> tuple[str, ...]:
    return _PARAMETERS + (_SINCE_25 if resources.minor >= 25 else ())


def _patchable(resources: Resources) -> Iterator[tuple[Resource, str, str]]:
    for resource in resources.all():
        if "patch" not in resource.verbs:
            continue
        for version in resource.versions:
            root = f"/apis/{resource.group}/{version}" if resource.group else f"/api/{version}"
            space = "/namespaces/{namespace}" if resource.namespaced else ""
            yield resource, version, f"{root}{space}/{resource.plural}/{{name}}"


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, content: bytes) -> bytes:
    # Wire type 2: length-delimited.
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
