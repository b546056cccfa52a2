"""IstioControlPlane files given with `-f`: checked, and joined into the one file that istioctl 1.4 takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import yaml

from steps.contract.documents import BadDocument, read_yaml
from steps.contract.errors import GiveUp
from steps.contract.options import Overlay

API_VERSION, KIND = "install.istio.io/v1alpha2", "IstioControlPlane"
LARGEST = 256 * 1024
# IstioControlPlaneSpec of istio/operator 1.4, pkg/apis/istio/v1alpha2: a feature has `enabled` and `components`.
OWN_FIELDS = ("apiVersion", "kind", "metadata", "spec", "status")
TEXT_FIELDS = ("profile", "hub", "defaultNamespace", "resourceSuffix")
FEATURES = (
    "trafficManagement",
    "policy",
    "telemetry",
    "security",
    "configManagement",
    "autoInjection",
    "gateways",
    "coreDNS",
    "thirdParty",
    "cni",
)
VALUES = ("values",)
UNCHECKED = "unvalidatedValues"
# The charts of another package are under no signature that was verified.
REFUSED_FIELDS: Mapping[str, str] = {
    "tag": "install another version",
    "installPackagePath": "install from another package",
}
_REMEDY = f"Give a file with apiVersion {API_VERSION}, kind {KIND} and a spec."


def join_overlays(overlays: Sequence[Overlay]) -> tuple[tuple[str, str], ...]:
    """The overlays as istioctl's one `-f` file, later ones over earlier ones; none where there are none.

    A single overlay keeps its own text. Raises GiveUp that names every fault.
    """
    trees = [read_overlay_spec(overlay) for overlay in overlays]
    if len(overlays) < 2:
        return tuple((overlay.name, overlay.text) for overlay in overlays)
    joined: dict[str, object] = {}
    for tree in trees:
        _merge(joined, tree)
    document = {"apiVersion": API_VERSION, "kind": KIND, "spec": joined}
    return (("overlays.yaml", yaml.safe_dump(document, sort_keys=False, allow_unicode=True)),)


def read_overlay_spec(overlay: Overlay) -> Mapping[str, object]:
    """The overlay's spec; GiveUp says what is wrong with the overlay."""
    fault = find_overlay_fault(overlay)
    if fault:
        raise GiveUp(f"overlay {overlay.name} {fault}", _REMEDY)
    (document,) = read_yaml(overlay.text, LARGEST)
    spec: Mapping[str, object] = document["spec"]
    return spec


def find_overlay_fault(overlay: Overlay) -> str:
    """What is wrong with an overlay, as the end of a sentence that begins with its name; "" where nothing is."""
    try:
        return _find_shape_fault(read_yaml(overlay.text, LARGEST))
    except BadDocument as error:
        return str(error)


def list_overlay_paths(overlays: Iterable[Overlay]) -> Mapping[str, object]:
    """Every value that the overlays set, by its `--set` path (`values.global.meshID`)."""
    found: dict[str, object] = {}
    for overlay in overlays:
        found.update(_leaves(read_overlay_spec(overlay), ""))
    return found


def _find_shape_fault(documents: Sequence[object]) -> str:
    if len(documents) != 1:
        return f"holds {len(documents)} documents instead of one"
    document = documents[0]
    if not isinstance(document, Mapping):
        return "is not a mapping"
    if document.get("kind") != KIND or document.get("apiVersion") != API_VERSION:
        version, kind = document.get("apiVersion", "none"), document.get("kind", "none")
        return f"has kind {kind} and apiVersion {version}; it takes {KIND} and {API_VERSION}"
    if not isinstance(document.get("spec"), Mapping):
        return "has no spec"
    return _find_unknown(document, OWN_FIELDS, "") or _find_spec_fault(document["spec"]) or _find_key_fault(document)


def _find_spec_fault(spec: Mapping[object, object]) -> str:
    if UNCHECKED in spec:
        return f"sets spec.{UNCHECKED}, which istioctl lays over the values unchecked; put them under values"
    for name, why in REFUSED_FIELDS.items():
        if name in spec:
            return f"sets spec.{name}, which would {why} than the one approved"
    if unknown := _find_unknown(spec, (*TEXT_FIELDS, *FEATURES, *VALUES), "spec."):
        return unknown
    for field, value in spec.items():
        if field in TEXT_FIELDS and not isinstance(value, str):
            return f"has spec.{field}, which is no text"
        if field in TEXT_FIELDS:
            continue
        if not isinstance(value, Mapping):
            return f"has spec.{field}, which is no mapping"
        if fault := _find_feature_fault(f"spec.{field}", value) if field in FEATURES else "":
            return fault
    return ""


def _find_feature_fault(where: str, feature: Mapping[object, object]) -> str:
    if not isinstance(feature.get("enabled", True), bool):
        return f"has {where}.enabled, which is neither true nor false"
    if not isinstance(feature.get("components", {}), Mapping):
        return f"has {where}.components, which is no mapping"
    return _find_unknown(feature, ("enabled", "components"), f"{where}.")


def _find_unknown(table: Mapping[object, object], known: Sequence[str], where: str) -> str:
    unknown = [str(name) for name in table if name not in known]
    return f"has {where}{unknown[0]}, which {KIND} doesn't know; it has {', '.join(known)}" if unknown else ""


def _find_key_fault(tree: object) -> str:
    if isinstance(tree, list):
        return next(filter(None, map(_find_key_fault, tree)), "")
    if not isinstance(tree, Mapping):
        return ""
    wrong = [key for key in tree if not isinstance(key, str)]
    if wrong:
        return f"has the key {wrong[0]!r}, which is no text; put it in quotes"
    return next(filter(None, map(_find_key_fault, tree.values())), "")


def _merge(target: dict[str, object], added: Mapping[str, object]) -> None:
    for key, value in added.items():
        if isinstance(value, Mapping):
            kept = target.get(key)
            branch = kept if isinstance(kept, dict) else {}
            target[key] = branch
            _merge(branch, value)
        else:
            target[key] = value


def _leaves(tree: Mapping[str, object], prefix: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            found.update(_leaves(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found
