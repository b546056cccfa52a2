"""From istioctl's flags to the objects of a control plane, component by component."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.cluster.mesh.manifests import (
    OPTIONAL_COMPONENTS,
    REQUIRED_COMPONENTS,
    enabled_components,
    merged_values,
    render_mesh,
)
from sandbox.release.tools.control_plane_file import BadFile, check_spec, read_control_plane_file
from sandbox.release.tools.set_flags import BadFlag, merge_trees, split_flags, write_flag
from sandbox.release.tools.yaml_library import find_yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from sandbox.release.tools.set_flags import Tree

    Manifest = dict[str, Any]


# Components of 1.4 that this stand-in can't render; istioctl looks for objects of theirs all the same.
NEVER_RENDERED = ("CertManager", "PrometheusOperator")
ALL_COMPONENTS = (*REQUIRED_COMPONENTS, *sorted((*OPTIONAL_COMPONENTS, *NEVER_RENDERED)))
COMPONENT_LABEL = "operator.istio.io/component"
OPERATOR_LABELS = (COMPONENT_LABEL, "operator.istio.io/managed", "operator.istio.io/version")
# The other profiles know no node agent, so that a forgotten `profile=asm` would remove it.
WITHOUT_NODE_AGENT: Tree = {"security": {"components": {"nodeAgent": {"enabled": False}}}}
PROFILES: dict[str, Tree] = {"asm": {}} | dict.fromkeys(
    ("default", "demo", "minimal", "remote", "sds"), WITHOUT_NODE_AGENT
)
# What really switches a component on or off; `values.pilot.enabled` and its like change stored text alone.
SWITCHES = {
    "Citadel": ("security", "citadel"),
    "Cni": ("cni", "cni"),
    "CoreDNS": ("coreDNS", "coreDNS"),
    "EgressGateway": ("gateways", "egressGateway"),
    "Galley": ("configManagement", "galley"),
    "IngressGateway": ("gateways", "ingressGateway"),
    "Injector": ("autoInjection", "injector"),
    "NodeAgent": ("security", "nodeAgent"),
    "Pilot": ("trafficManagement", "pilot"),
    "Policy": ("policy", "policy"),
    "Telemetry": ("telemetry", "telemetry"),
}
OFF_BY_DEFAULT = ("Citadel", "EgressGateway", "Policy", "Telemetry")
FEATURES_OFF_BY_DEFAULT = ("cni", "coreDNS", "policy", "telemetry")
# What is stored of a component that is switched on.
STORED: dict[str, Tree] = {
    "Citadel": {"security": {"enabled": True}},
    "Cni": {"istio_cni": {"enabled": True}},
    "EgressGateway": {"gateways": {"istio-egressgateway": {"enabled": True}}},
    "Policy": {"mixer": {"policy": {"enabled": True}}},
    "Telemetry": {"mixer": {"telemetry": {"enabled": True}}},
}
FORCE_HINT = "Run the command with the --force flag if you want to ignore the validation error and proceed."
JSON_KINDS = {bool: "bool", int: "number", float: "number", str: "string", dict: "object"}
GO_TYPES = {str: "string", bool: "bool", dict: "map[string]json.RawMessage"}


class NotRendered(Exception):
    """The flags or the file can't be turned into manifests; the text is for standard error."""

    def __init__(self, text: str, *, of_flags: bool = False, hint: str = "") -> None:
        super().__init__(text)
        self.of_flags = of_flags
        self.hint = hint


def render_components(version: str, flags: list[str], file: str) -> dict[str, list[Manifest]]:
    """Return the objects of each enabled component, Base first. Raises NotRendered.

    Merge order as istioctl's: profile, then the file, then the flags; the last profile named wins.
    """
    try:
        given = read_flags(version, flags)
    except BadFlag as error:
        raise NotRendered(str(error), of_flags=True, hint=error.hint) from error
    try:
        asked = merge_trees(read_control_plane_file(Path(file)) if file else {}, given)
        spec = merge_trees(_profile(str(asked.get("profile", "default"))), check_spec(asked))
        _refuse_package(str(spec.get("installPackagePath", "")))
        enabled = {name for name in SWITCHES if _is_enabled(spec, name)}
        spec["values"] = merge_trees(spec.get("values") or {}, spec.get("unvalidatedValues") or {})
        for name in STORED.keys() & enabled:
            spec["values"] = merge_trees(spec["values"], STORED[name])
        options = {**spec, "tag": str(spec.get("tag", version))}
        switched = enabled_components(merged_values(version, options))
        wanted = [name for name in ALL_COMPONENTS if name in (enabled if name in SWITCHES else switched)]
        return _by_component([_with_settings(made, spec) for made in render_mesh(version, options, wanted)])
    except (BadFile, ValueError) as error:
        raise NotRendered(str(error)) from error


def read_flags(version: str, flags: list[str]) -> Tree:
    """Turn --set flags into a tree, each one checked against the schema as it comes. Raises BadFlag."""
    tree: Tree = {}
    known = merged_values(version, {})
    for flag in split_flags(flags):
        write_flag(tree, flag)
        try:
            spec = check_spec({**tree, "values": {}})
        except BadFile as error:
            raise BadFlag(f"bad path=value: {flag}") from error
        fault = find_fault({**spec, **tree}.get("values", {}), known)
        if fault:
            raise BadFlag(f"bad path=value ({flag}): {fault}", FORCE_HINT)
    return tree


def find_fault(values: Any, known: Tree) -> str:
    """Say in istioctl's words what is wrong with these values; it knows more fields than the profile gives."""
    try:
        check_spec({"values": values if isinstance(values, dict) else {}})
    except BadFile as error:
        return str(error)
    return _find_mismatch(values, known)


def _find_mismatch(given: Any, known: Any) -> str:
    if isinstance(given, dict) and isinstance(known, dict):
        faults = (_find_mismatch(value, known[key]) for key, value in given.items() if key in known and key != "env")
        return next((fault for fault in faults if fault), "")
    if type(given) is type(known):
        return ""
    wanted = next((name for kind, name in GO_TYPES.items() if isinstance(known, kind)), "")
    found = next(name for kind, name in JSON_KINDS.items() if isinstance(given, kind))
    return f"json: cannot unmarshal {found} into Go value of type {wanted}" if wanted else ""


def generated_text(components: dict[str, list[Manifest]]) -> str:
    """Return what `manifest generate` prints: component by component, without the labels that only an apply adds."""
    return "".join(
        f"# Resources for {name} component\n\n{manifest_text(map(_without_labels, components[name]))}\n"
        if name in components
        else f"# {name} component is disabled.\n\n"
        for name in sorted(ALL_COMPONENTS)
    )


def manifest_text(objects: Iterable[Manifest]) -> str:
    """Return the objects as a stream of YAML documents."""
    return "".join(f"{_document(made)}---\n" for made in objects)


def _without_labels(made: Manifest) -> Manifest:
    labels = {name: text for name, text in made["metadata"]["labels"].items() if name not in OPERATOR_LABELS}
    return {**made, "metadata": {**made["metadata"], "labels": labels}}


def _profile(name: str) -> Tree:
    if name not in PROFILES:
        raise BadFile(f"could not read the profile values for {name}: unsupported Profile type: {name}")
    return PROFILES[name]


def _refuse_package(address: str) -> None:
    """The real one fetches charts from there, signed by nobody; here there is no way out."""
    if address.startswith(("http://", "https://")):
        host = address.split("/")[2]
        raise BadFile(f"Get {address}: dial tcp: lookup {host}: no such host")


def _is_enabled(spec: Tree, component: str) -> bool:
    feature_name, component_name = SWITCHES[component]
    feature = spec.get(feature_name) or {}
    one = (feature.get("components") or {}).get(component_name) or {}
    feature_on = feature.get("enabled", feature_name not in FEATURES_OFF_BY_DEFAULT)
    return feature_on is not False and one.get("enabled", component not in OFF_BY_DEFAULT) is True


def _with_settings(made: Manifest, spec: Tree) -> Manifest:
    """What `FEATURE.components.COMPONENT.k8s` sets, which no value does: replicas and the autoscaler's bounds."""
    feature, component = SWITCHES.get(made["metadata"]["labels"][COMPONENT_LABEL], ("", ""))
    settings = (((spec.get(feature) or {}).get("components") or {}).get(component) or {}).get("k8s") or {}
    fields: Tree = {}
    if made["kind"] == "HorizontalPodAutoscaler":
        fields = settings.get("hpaSpec") or {}
    elif made["kind"] == "Deployment" and "replicaCount" in settings:
        fields = {"replicas": settings["replicaCount"]}
    return {**made, "spec": {**made["spec"], **fields}} if fields else made


def _by_component(rendered: list[Manifest]) -> dict[str, list[Manifest]]:
    components: dict[str, list[Manifest]] = {}
    for made in rendered:
        components.setdefault(made["metadata"]["labels"][COMPONENT_LABEL], []).append(made)
    return components


def _document(made: Manifest) -> str:
    yaml = find_yaml()
    if yaml is None:
        return json.dumps(made, indent=2) + "\n"
    return str(yaml.safe_dump(made, sort_keys=False, allow_unicode=True))
