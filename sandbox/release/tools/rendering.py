"""From istioctl's flags to the objects of a control plane, component by component."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandbox.cluster.mesh.manifests import OPTIONAL_COMPONENTS, REQUIRED_COMPONENTS, merged_values, render_mesh
from sandbox.release.tools.control_plane_file import BadFile, check_spec, read_control_plane_file
from sandbox.release.tools.set_flags import BadFlag, Tree, merge_trees, tree_of_flags

Manifest = dict[str, Any]

ALL_COMPONENTS = (*REQUIRED_COMPONENTS, *OPTIONAL_COMPONENTS)
COMPONENT_LABEL = "operator.istio.io/component"
# The other profiles know no node agent, so that a forgotten `profile=asm` would remove it.
PROFILES: dict[str, Tree] = {"asm": {}} | {
    name: {"values": {"nodeagent": {"enabled": False}}} for name in ("default", "demo", "minimal", "remote", "sds")
}
SWITCHES = {
    "Galley": ("galley",),
    "IngressGateway": ("gateways", "istio-ingressgateway"),
    "Injector": ("sidecarInjectorWebhook",),
    "NodeAgent": ("nodeagent",),
    "Pilot": ("pilot",),
}


class NotRendered(Exception):
    """The flags or the file can't be turned into manifests; the text is for standard error."""


def render_components(version: str, flags: list[str], file: str) -> dict[str, list[Manifest]]:
    """Return the objects of each enabled component, Base first. Raises NotRendered.

    Merge order as istioctl's: profile, then the file, then the flags; the last profile named wins.
    """
    try:
        asked = merge_trees(read_control_plane_file(Path(file)) if file else {}, tree_of_flags(flags))
        spec = merge_trees(_profile(str(asked.get("profile", "default"))), check_spec(asked))
        spec["tag"] = str(spec.get("tag", version))
        values = merged_values(version, spec)
        rendered = render_mesh(version, spec)
    except (BadFile, BadFlag, ValueError) as error:
        raise NotRendered(str(error)) from error
    return _by_component(rendered, _switched_off(values))


def manifest_text(objects: Iterable[Manifest]) -> str:
    """Return the objects as a stream of YAML documents."""
    return "".join(f"{_document(made)}---\n" for made in objects)


def _profile(name: str) -> Tree:
    if name not in PROFILES:
        raise BadFile(f"unknown profile: {name}")
    return PROFILES[name]


def _by_component(rendered: list[Manifest], switched_off: set[str]) -> dict[str, list[Manifest]]:
    components: dict[str, list[Manifest]] = {}
    for made in rendered:
        component = made["metadata"]["labels"][COMPONENT_LABEL]
        if component not in switched_off:
            components.setdefault(component, []).append(made)
    return components


def _switched_off(values: Tree) -> set[str]:
    off = set()
    for component, path in SWITCHES.items():
        branch: Any = values
        for part in path:
            branch = branch.get(part, {}) if isinstance(branch, dict) else {}
        if isinstance(branch, dict) and branch.get("enabled") is False:
            off.add(component)
    return off


def _document(made: Manifest) -> str:
    try:
        import yaml
    except ImportError:
        return json.dumps(made, indent=2) + "\n"
    return str(yaml.safe_dump(made, sort_keys=False, allow_unicode=True))
