"""IstioControlPlane files given with `-f`: checked, and joined into the one file that istioctl 1.4 takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from steps.errors import GiveUp
from steps.options import Overlay

API_VERSION, KIND = "install.istio.io/v1alpha2", "IstioControlPlane"
LARGEST = 256 * 1024
DEEPEST = 50
_REMEDY = f"Give a file with apiVersion {API_VERSION}, kind {KIND} and a spec."


def join_overlays(overlays: Sequence[Overlay]) -> tuple[tuple[str, str], ...]:
    """The overlays as istioctl's one `-f` file, later ones over earlier ones; none where there are none.

    A single overlay keeps its own text. Raises GiveUp that names every fault.
    """
    trees = [read_overlay(overlay) for overlay in overlays]
    if len(overlays) < 2:
        return tuple((overlay.name, overlay.text) for overlay in overlays)
    joined: dict[str, Any] = {}
    for tree in trees:
        _merge(joined, tree["spec"])
    document = {"apiVersion": API_VERSION, "kind": KIND, "spec": joined}
    return (("overlays.yaml", yaml.safe_dump(document, sort_keys=False, allow_unicode=True)),)


def read_overlay(overlay: Overlay) -> Mapping[str, Any]:
    """The overlay's document; GiveUp says what is wrong with it."""
    fault = find_overlay_fault(overlay)
    if fault:
        raise GiveUp(f"overlay {overlay.name} {fault}", _REMEDY)
    document: Mapping[str, Any] = yaml.safe_load(overlay.text)
    return document


def find_overlay_fault(overlay: Overlay) -> str:
    """What is wrong with an overlay, as the end of a sentence that begins with its name; "" where nothing is."""
    if len(overlay.text.encode()) > LARGEST:
        return f"is larger than {LARGEST // 1024} KiB"
    try:
        fault = _find_event_fault(overlay.text)
        documents = [] if fault else [item for item in yaml.safe_load_all(overlay.text) if item is not None]
    except yaml.YAMLError as error:
        return f"is not YAML: {' '.join(str(error).split())}"
    return fault or _find_shape_fault(documents)


def list_overlay_paths(overlays: Iterable[Overlay]) -> Mapping[str, object]:
    """Every value that the overlays set, by its `--set` path (`values.global.meshID`)."""
    found: dict[str, object] = {}
    for overlay in overlays:
        found.update(_leaves(read_overlay(overlay)["spec"], ""))
    return found


def _find_event_fault(text: str) -> str:
    # Looked for before anything is built: aliases multiply, and deep nesting is slow to read.
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            return "uses YAML anchors, which are refused because they can grow without bound"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return f"is nested deeper than {DEEPEST} levels"
    return ""


def _find_shape_fault(documents: Sequence[Any]) -> str:
    if len(documents) != 1:
        return f"holds {len(documents)} documents instead of one"
    document = documents[0]
    if not isinstance(document, Mapping):
        return "is not a mapping"
    if document.get("kind") != KIND or document.get("apiVersion") != API_VERSION:
        return f"is {document.get('apiVersion', 'no apiVersion')} {document.get('kind', 'without a kind')}, not {KIND}"
    if not isinstance(document.get("spec"), Mapping):
        return "has no spec"
    if "tag" in document["spec"]:
        return "sets spec.tag, which would install another version than the one approved"
    return ""


def _merge(target: dict[str, Any], added: Mapping[str, Any]) -> None:
    for key, value in added.items():
        if isinstance(value, Mapping):
            branch = target.get(key)
            target[key] = branch if isinstance(branch, dict) else {}
            _merge(target[key], value)
        else:
            target[key] = value


def _leaves(tree: Mapping[str, Any], prefix: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            found.update(_leaves(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found
