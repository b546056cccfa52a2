"""What a record says of the mesh: mode, trust domain, registry, version, images, namespaces and kinds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steps.contract.documents import BadDocument, read_json, read_yaml
from steps.contract.options import MtlsMode
from steps.contract.ports import Manifest
from steps.install.differences.rendered import find_object, read_texts
from steps.install.recovery import list_leaves, look_up, read_policy_mode, read_values


@dataclass(frozen=True)
class MeshFacts:
    """Read from the objects themselves, never from the flags that ask for them; "" and None where they don't say."""

    mtls: MtlsMode | None
    trust_domain: str
    hub: str
    tag: str
    namespaces: tuple[str, ...]
    kinds: tuple[str, ...]


def read_facts(objects: Sequence[Manifest]) -> MeshFacts:
    """What these objects make of the mesh."""
    values = _read_values(find_object(objects, "ConfigMap", "istio-sidecar-injector"))
    mesh = _read_mesh(find_object(objects, "ConfigMap", "istio"))
    return MeshFacts(
        mtls=read_policy_mode([item for item in objects if item["kind"] == "MeshPolicy"]),
        trust_domain=str(mesh.get("trustDomain") or ""),
        hub=str(look_up(values, "global.hub") or ""),
        tag=str(look_up(values, "global.tag") or ""),
        namespaces=tuple(sorted({item["metadata"].get("namespace", "") for item in objects} - {""})),
        kinds=tuple(sorted({str(item["kind"]) for item in objects})),
    )


def list_value_changes(objects: Sequence[Manifest], live: Sequence[Manifest], config_map: str) -> tuple[str, ...]:
    """How the install's merged values change: `global.tag: 1.4.7-asm.0 → 1.4.10-asm.18`; forgotten flags show here."""
    before, _ = read_values(read_texts(find_object(live, "ConfigMap", config_map)))
    after, _ = read_values(read_texts(find_object(objects, "ConfigMap", config_map)))
    if not before or not after:
        return ()
    paths = sorted({*list_leaves(before), *list_leaves(after)})
    return tuple(
        f"{path}: {look_up(before, path)} → {look_up(after, path)}"
        for path in paths
        if look_up(before, path) != look_up(after, path)
    )


def _read_values(injector: Manifest | None) -> Mapping[str, object]:
    try:
        return _as_mapping(read_json(_text_of(injector, "values")))
    except BadDocument:
        return {}


def _read_mesh(config_map: Manifest | None) -> Mapping[str, object]:
    try:
        documents = read_yaml(_text_of(config_map, "mesh"))
    except BadDocument:
        return {}
    return _as_mapping(documents[0]) if documents else {}


def _text_of(config_map: Manifest | None, name: str) -> str:
    return str(((config_map or {}).get("data") or {}).get(name) or "")


def _as_mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
