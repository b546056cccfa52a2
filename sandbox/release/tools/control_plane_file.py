"""The file given to istioctl with -f: an IstioControlPlane of install.istio.io/v1alpha2."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.release.tools.yaml_library import find_yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Tree = dict[str, Any]

SPEC_FIELDS = frozenset({
    "autoInjection", "cni", "configManagement", "coreDNS", "customPackagePath", "defaultNamespace",
    "defaultNamespacePrefix", "gateways", "hub", "installPackagePath", "policy", "profile", "security", "tag",
    "telemetry", "thirdParty", "trafficManagement", "unvalidatedValues", "values",
})  # fmt: skip
# Names of the schema's own language, which are taken as well.
ALIASES = {
    "auto_injection": "autoInjection", "config_management": "configManagement", "core_dns": "coreDNS",
    "default_namespace": "defaultNamespace", "install_package_path": "installPackagePath",
    "third_party": "thirdParty", "traffic_management": "trafficManagement",
}  # fmt: skip
FEATURES = ("autoInjection", "configManagement", "gateways", "policy", "security", "telemetry", "trafficManagement")
KUBERNETES_FIELDS = frozenset({
    "affinity", "env", "hpaSpec", "imagePullPolicy", "nodeSelector", "overlays", "podAnnotations",
    "podDisruptionBudget", "priorityClassName", "readinessProbe", "replicaCount", "resources", "service", "strategy",
    "replica_count", "hpa_spec",
})  # fmt: skip
VALUES_FIELDS = frozenset({
    "certmanager", "clusterResources", "cni", "galley", "gateways", "global", "grafana", "istiocoredns", "kiali",
    "mixer", "nodeagent", "pilot", "prometheus", "prometheusOperator", "security", "sidecarInjectorWebhook",
    "telemetry", "tracing", "version",
})  # fmt: skip


class BadFile(ValueError):
    """A file that istioctl refuses; the text is close to istioctl's own."""


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
    try:
        return check_spec(document.get("spec") or {})
    except BadFile as error:
        raise BadFile(f"could not unmarshal the overlay file: {error}\n\nOriginal YAML:\n{text}\n") from error


def check_spec(spec: object) -> Tree:
    """Return the spec under the names of JSON; raises BadFile on a field that the schema doesn't have."""
    if not isinstance(spec, dict):
        raise BadFile("spec is not a tree")
    spec = {ALIASES.get(str(key), str(key)): value for key, value in spec.items()}
    _refuse_unknown(spec, SPEC_FIELDS, "v1alpha2.IstioControlPlaneSpec")
    values = spec.get("values") or {}
    if not isinstance(values, dict):
        raise BadFile("spec.values is not a tree")
    _refuse_unknown(values, VALUES_FIELDS, "v1alpha1.Values")
    for settings in _kubernetes_settings(spec):
        _refuse_unknown(settings, KUBERNETES_FIELDS, "v1alpha2.KubernetesResourcesSpec")
    return spec


def _kubernetes_settings(spec: Tree) -> Iterator[Tree]:
    for feature in FEATURES:
        components = (spec.get(feature) or {}).get("components") or {}
        yield from (one["k8s"] for one in components.values() if isinstance(one, dict) and one.get("k8s"))


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
    yaml = find_yaml()
    if yaml is None:
        return json.loads(text)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
