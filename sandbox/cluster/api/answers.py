"""What goes back to the client: JSON bodies in the form its Accept header asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from sandbox.cluster.api.tables import table_of
from sandbox.cluster.objects.conversion import from_stored
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.objects.resources import Resource

Form = Literal["object", "table", "metadata"]
_META = "meta.k8s.io"
# All are forgotten at once.
_MOST_KEPT = 4_000


@dataclass(frozen=True)
class Answer:
    """An answer: an HTTP status and a JSON body, or text where `text` is not None."""

    body: Json = field(default_factory=dict)
    status: int = 200
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """How a client wants objects: as they are, as table rows, or their metadata alone."""

    form: Form
    meta_version: str = "v1"
    include: str = "Metadata"


def read_shape(accept: str, query: Mapping[str, str]) -> Shape:
    """Choose the first form of an Accept header that the server knows."""
    for offer in accept.split(","):
        media, *parameters = [part.strip() for part in offer.split(";")]
        asked = dict(part.split("=", 1) for part in parameters if "=" in part)
        if media not in ("application/json", "*/*", "application/*") or asked.get("g", _META) != _META:
            continue
        version = asked.get("v", "v1")
        if asked.get("as") == "Table":
            return Shape("table", version, query.get("includeObject", "Metadata"))
        if asked.get("as", "").startswith("PartialObjectMetadata"):
            return Shape("metadata", version)
        if "as" not in asked:
            return Shape("object")
    return Shape("object")


def show_object(resource: Resource, version: str, obj: Json, shape: Shape, now: float) -> Json:
    """Return one object in the form asked for."""
    if shape.form == "table":
        table = table_of(resource, [obj], now, shape.include, shape.meta_version)
        return {**table, "metadata": {"resourceVersion": obj["metadata"].get("resourceVersion", "")}}
    if shape.form == "metadata":
        return {**_bare(obj), "kind": "PartialObjectMetadata", "apiVersion": f"{_META}/{shape.meta_version}"}
    return from_stored(resource, version, obj)


class Writings:
    """Items of lists as JSON, each written once: no stored object is ever changed."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[Json, msgspec.Raw]] = {}

    def write_list(self, resource: Resource, version: str, objects: list[Json], list_metadata: Json) -> Json:
        """Return a list of whole objects, whose items nobody but the encoder can read any more."""
        items = [self._write(resource, version, obj) for obj in objects]
        return {**_head(resource, version, list_metadata), "items": items}

    def _write(self, resource: Resource, version: str, obj: Json) -> msgspec.Raw:
        known = self._known.get((id(obj), version))
        if known is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            known = obj, msgspec.Raw(msgspec.json.encode(_item(resource, version, obj)))
            self._known[id(obj), version] = known
        return known[1]


def show_list(
    resource: Resource, version: str, objects: list[Json], list_metadata: Json, shape: Shape, now: float
) -> Json:
    """Return a list in the form asked for."""
    if shape.form == "table":
        table = table_of(resource, objects, now, shape.include, shape.meta_version)
        return {**table, "metadata": list_metadata}
    if shape.form == "metadata":
        api = f"{_META}/{shape.meta_version}"
        rows = [{**_bare(obj), "kind": "PartialObjectMetadata", "apiVersion": api} for obj in objects]
        return {"kind": "PartialObjectMetadataList", "apiVersion": api, "metadata": list_metadata, "items": rows}
    items = [_item(resource, version, obj) for obj in objects]
    return {**_head(resource, version, list_metadata), "items": items}


def _head(resource: Resource, version: str, list_metadata: Json) -> Json:
    return {"kind": f"{resource.kind}List", "apiVersion": resource.api_version(version), "metadata": list_metadata}


def _item(resource: Resource, version: str, obj: Json) -> Json:
    shown = from_stored(resource, version, obj)
    if resource.custom:
        return shown
    # Lists of built-in kinds leave kind and apiVersion out of their items.
    return {key: value for key, value in shown.items() if key not in ("kind", "apiVersion")}


def _bare(obj: Json) -> Json:
    return {"metadata": obj["metadata"]}
