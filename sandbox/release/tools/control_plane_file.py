"""The file given to istioctl with -f: an IstioControlPlane of install.istio.io/v1alpha2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Tree = dict[str, Any]

SPEC_FIELDS = frozenset({
    "autoInjection", "cni", "configManagement", "coreDNS", "customPackagePath", "defaultNamespace",
    "defaultNamespacePrefix", "gateways", "hub", "installPackagePath", "policy", "profile", "security", "tag",
    "telemetry", "thirdParty", "trafficManagement", "unvalidatedValues", "values",
})  # fmt: skip
VALUES_FIELDS = frozenset({
    "certmanager", "clusterResources", "cni", "galley", "gateways", "global", "grafana", "istiocoredns", "kiali",
    "mixer", "nodeagent", "pilot", "prometheus", "prometheusOperator", "security", "sidecarInjectorWebhook",
    "telemetry", "tracing", "version",
})  # fmt: skip


class BadFile(ValueError):
    """A file that istioctl refuses; the text is near to istioctl's own."""


def read_control_plane_file(path: Path) -> Tree:
    """Return the file's `spec`. Raises BadFile when it isn't there, isn't YAML or isn't an IstioControlPlane."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"could not read values from file {path}: {error}") from error
    document = _parsed(text, path)
    if not isinstance(document, dict) or document.get("kind") != "IstioControlPlane":
        raise BadFile(f"{path}: no IstioControlPlane (install.istio.io/v1alpha2) in the file")
    if document.get("apiVersion") != "install.istio.io/v1alpha2":
        raise BadFile(f"{path}: apiVersion {document.get('apiVersion')!r} is not install.istio.io/v1alpha2")
    return check_spec(document.get("spec") or {})


def check_spec(spec: object) -> Tree:
    """Return the spec; raises BadFile on a field that the schema doesn't have."""
    if not isinstance(spec, dict):
        raise BadFile("spec is not a tree")
    _refuse_unknown(spec, SPEC_FIELDS, "v1alpha2.IstioControlPlaneSpec")
    values = spec.get("values") or {}
    if not isinstance(values, dict):
        raise BadFile("spec.values is not a tree")
    _refuse_unknown(values, VALUES_FIELDS, "v1alpha1.Values")
    return spec


def _refuse_unknown(tree: Tree, known: frozenset[str], name: str) -> None:
    unknown = sorted(str(key) for key in tree if key not in known)
    if unknown:
        raise BadFile(f'unknown field "{unknown[0]}" in {name}')


def _parsed(text: str, path: Path) -> object:
    try:
        return _loaded(text)
    except ValueError as error:
        raise BadFile(f"could not parse {path}: {error}") from error


def _loaded(text: str) -> object:
    try:
        import yaml
    except ImportError:
        return json.loads(text)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
