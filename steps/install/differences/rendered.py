"""A rendered manifest: its objects, and how they differ from the live ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from steps.contract.errors import GiveUp
from steps.contract.ports import Kubernetes, Manifest
from steps.mesh import Right, WorkloadRef
from steps.versions import parse_image

VERSION_LABEL = "operator.istio.io/version"
Kinds: TypeAlias = frozenset[tuple[str, str]]
_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
# A viewer may not read these.
SECRETS: Kinds = frozenset({("v1", "Secret")})


@dataclass(frozen=True, order=True)
class ObjectId:
    """Names an object; its group counts, its version does not."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def parse_manifest(text: str) -> tuple[Manifest, ...]:
    """The objects of a rendered manifest; GiveUp where it is not Kubernetes YAML."""
    remedy = "This is a fault of the release's istioctl or of an overlay; the rendered text is in the attached file."
    try:
        found = [document for document in yaml.load_all(text, _loader()) if document]
    except yaml.YAMLError as error:
        raise GiveUp(f"the rendered manifest is not YAML: {error}", remedy) from error
    items = [item for document in found for item in _open_list(document)]
    if not items:
        raise GiveUp("the rendered manifest is empty", remedy)
    objects: list[Manifest] = []
    for item in items:
        if not isinstance(item, Mapping) or "kind" not in item or "name" not in (item.get("metadata") or {}):
            raise GiveUp(f"the rendered manifest holds something that is no object: {str(item)[:80]}", remedy)
        objects.append(item)
    return tuple(objects)


def identify_object(manifest: Manifest) -> ObjectId:
    """The id of an object."""
    group = manifest["apiVersion"].rpartition("/")[0]
    metadata = manifest["metadata"]
    # Deployments moved between these groups; it is one object under both.
    group = "apps" if group == "extensions" and manifest["kind"] in _WORKLOADS else group
    return ObjectId(group, manifest["kind"], metadata.get("namespace", ""), metadata["name"])


def is_custom(manifest: Manifest) -> bool:
    """Whether the kind comes from a CustomResourceDefinition; the server merges no lists in those."""
    group = manifest["apiVersion"].rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def list_images(objects: Iterable[Manifest], namespace: str) -> dict[str, dict[str, str]]:
    """The images of each workload of the namespace, by workload id and container."""
    return {
        str(WorkloadRef(namespace, item["kind"], item["metadata"]["name"])): _images_of(item)
        for item in objects
        if item["kind"] in _WORKLOADS and item["metadata"].get("namespace", "") == namespace
    }


def find_object(objects: Iterable[Manifest], kind: str, name: str) -> Manifest | None:
    """The rendered object of a kind and name."""
    return next((item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name), None)


def read_texts(config_map: Manifest | None) -> Mapping[str, str] | None:
    """The texts of a ConfigMap, None where there is no such object."""
    return None if config_map is None else config_map.get("data") or {}


@dataclass(frozen=True)
class Difference:
    """How a rendered manifest differs from the cluster; lines of plain text, each list sorted."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    images: tuple[str, ...]
    fields: tuple[str, ...]


def compare_with_live(objects: Sequence[Manifest], live: Iterable[Manifest]) -> Difference:
    """Hold each rendered object against the live one: added, changed, with images and fields."""
    known = {identify_object(item): item for item in live}
    added: list[str] = []
    changed: list[str] = []
    images: list[str] = []
    fields: list[str] = []
    for item in objects:
        here = known.get(identify_object(item))
        if here is None:
            added.append(str(identify_object(item)))
            continue
        lines = [f"{identify_object(item)}: {line}" for line in find_differences(item, here)]
        if lines:
            changed.append(str(identify_object(item)))
            fields += lines
        images += _compare_images(item, here)
    return Difference(tuple(sorted(added)), tuple(sorted(changed)), tuple(sorted(set(images))), tuple(fields))


def find_differences(wanted: Manifest, here: Manifest) -> tuple[str, ...]:
    """The fields that the rendered object has otherwise, `spec.replicas: 1 → 2`; what only the other has is its own."""
    return tuple(_compare(_meaningful(wanted), here, "", is_custom(wanted)))


def describe_image_change(before: str, after: str) -> str:
    """`1.4.7-asm.0 → 1.4.10-asm.18`, or both images in full where more than the tag differs."""
    old, new = parse_image(before), parse_image(after)
    if old.repository == new.repository and old.tag and new.tag and old.digest == new.digest:
        return f"{old.tag} → {new.tag}"
    return f"{before or 'none'} → {after}"


def read_live(kubernetes: Kubernetes, objects: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """The live objects of every kind and namespace that the manifest touches: one list request each."""
    scopes = sorted({(o["apiVersion"], o["kind"], o["metadata"].get("namespace", "")) for o in objects})
    return tuple(item for api, kind, space in scopes for item in kubernetes.list_objects(api, kind, space))


def find_hidden(kubernetes: Kubernetes) -> Kinds:
    """The kinds that the account may not look at: Secrets, until it is bound."""
    return SECRETS if kubernetes.find_missing_rights((Right("list", "secrets"),)) else frozenset()


def _open_list(document: object) -> Sequence[object]:
    if isinstance(document, Mapping) and document.get("kind") == "List":
        return document.get("items") or ()
    return (document,)


def _images_of(item: Manifest) -> dict[str, str]:
    template = item.get("spec", {}).get("template", {}).get("spec", {})
    return {c["name"]: c.get("image", "") for c in template.get("containers", ())}


def _compare_images(item: Manifest, here: Manifest) -> Iterator[str]:
    if item["kind"] not in _WORKLOADS:
        return
    before = _images_of(here)
    for name, image in _images_of(item).items():
        if before.get(name) != image:
            yield f"{item['metadata']['name']}/{name}: {describe_image_change(before.get(name, ''), image)}"


def _meaningful(item: Manifest) -> Manifest:
    # The operator's version label changes on every object and says nothing; status is the server's. The injector
    # writes its own CA bundle back after each apply.
    metadata = item["metadata"]
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != VERSION_LABEL}
    kept = {key: value for key, value in item.items() if key not in ("metadata", "status", "apiVersion", "kind")}
    return {**kept, "metadata": {"labels": labels, "annotations": metadata.get("annotations") or {}}}


def _compare(wanted: object, here: object, path: str, exact: bool) -> Iterator[str]:
    """Lines for what `wanted` has otherwise than `here`; `exact` compares lists whole, as a merge patch does."""
    if isinstance(wanted, Mapping):
        live = here if isinstance(here, Mapping) else {}
        for key, value in wanted.items():
            if key != "caBundle":
                yield from _compare(value, live.get(key), f"{path}.{key}" if path else str(key), exact)
    elif isinstance(wanted, list) and not exact:
        yield from _compare_lists(wanted, here if isinstance(here, list) else [], path)
    elif not _equal(wanted, here):
        yield f"{path}: {_show(here)} → {_show(wanted)}"


def _compare_lists(wanted: Sequence[object], here: Sequence[object], path: str) -> Iterator[str]:
    named = [entry for entry in wanted if isinstance(entry, Mapping) and "name" in entry]
    if wanted and len(named) == len(wanted):
        live = {entry.get("name"): entry for entry in here if isinstance(entry, Mapping)}
        for entry in named:
            yield from _compare(entry, live.get(entry["name"]), f"{path}[{entry['name']}]", False)
    elif len(wanted) != len(here):
        yield f"{path}: {_show(here)} → {_show(wanted)}"
    else:
        for index, (value, other) in enumerate(zip(wanted, here, strict=True)):
            yield from _compare(value, other, f"{path}[{index}]", False)


def _equal(wanted: object, here: object) -> bool:
    # The server drops empty values and reads quantities and numbers as text where the schema says so.
    if wanted in (None, "", False) and here in (None, "", False):
        return True
    return bool(wanted == here) or str(wanted) == str(here)


def _show(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= 100 else text[:97] + "..."


def _loader() -> type[yaml.SafeLoader]:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
