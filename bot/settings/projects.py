"""[discovery] of clusters.toml: where to look for clusters that it doesn't name, and what may be done with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.likeness import describe_unknown
from bot.settings.clusters import Cluster, Field, build_found_template
from bot.settings.option_fields import check_flag
from steps.contract.documents import read_toml
from steps.contract.options import UpgradeOptions
from steps.mesh import ClusterAddress

KEY_LIMIT = 62


def check_projects(value: object) -> str:
    """A list of Google project ids."""
    pattern = r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]"
    fine = isinstance(value, list) and all(isinstance(item, str) and re.fullmatch(pattern, item) for item in value)
    return "" if fine else 'must be a list of Google project ids, such as ["example-project"]'


DISCOVERY_FIELDS: tuple[Field, ...] = (
    Field("enabled", "Whether GKE is asked for clusters that this file doesn't name.", check_flag, True),
    Field("projects", "Google projects to look in, besides those of the clusters in this file.", check_projects, []),
)


@dataclass(frozen=True)
class DiscoverySettings:
    """The projects to look in (none: nothing is looked for) and what a cluster found there is made from.

    `given` are the names that [defaults] gives.
    """

    projects: tuple[str, ...]
    template: Cluster
    given: frozenset[str] = frozenset()


NO_DISCOVERY = DiscoverySettings((), build_found_template({}, Path()))


def parse_discovery(text: str, path: Path, clusters: Mapping[str, Cluster]) -> tuple[DiscoverySettings, list[str]]:
    """Read [discovery] of a clusters.toml that `parse_clusters` found to be right. Answers every fault found."""
    raw = read_toml(text)
    table = raw.get("discovery", {})
    if not isinstance(table, dict):
        return NO_DISCOVERY, [f"{path.name}: discovery must be a table."]
    known = {item.name: item for item in DISCOVERY_FIELDS}
    faults = [f"{path.name}: [discovery] {describe_unknown(name, known)}." for name in table if name not in known]
    wrong = {name: known[name].check(value) for name, value in table.items() if name in known}
    faults += [f"{path.name}: [discovery] {name} {fault}." for name, fault in wrong.items() if fault]
    if faults:
        return NO_DISCOVERY, faults
    defaults = raw.get("defaults", {})
    template = build_found_template(defaults, path.parent)
    configured = (cluster.address.project for cluster in clusters.values())
    projects = dict.fromkeys(filter(None, (*configured, *table.get("projects", ()))))
    looked_in = tuple(projects) if table.get("enabled", True) else ()
    return DiscoverySettings(looked_in, template, frozenset(defaults)), []


def name_found(addresses: Iterable[ClusterAddress], clusters: Mapping[str, Cluster]) -> dict[str, ClusterAddress]:
    """Addresses that clusters.toml lacks, by a key of their own: the name, with more of the address if need be."""
    configured = {name_place(cluster.address) for cluster in clusters.values()}
    fresh = [address for address in addresses if name_place(address) not in configured]
    names = [address.name for address in fresh]
    named: dict[str, ClusterAddress] = {}
    for address in sorted(fresh, key=name_place):
        for key in (address.name, f"{address.name}-{address.location}", "-".join(name_place(address))):
            free = key not in clusters and key not in named
            if free and (key != address.name or names.count(address.name) == 1):
                short = re.sub(r"[^a-z0-9-]", "-", key)[:KEY_LIMIT].strip("-")
                named[short] = replace(address, key=short)
                break
    return named


def name_place(address: ClusterAddress) -> tuple[str, str, str]:
    """Project, location and name; of a kubeconfig's context that gcloud wrote as well (gke_PROJECT_LOCATION_NAME)."""
    if address.kubeconfig:
        parts = address.context.split("_", 3)
        return (parts[1], parts[2], parts[3]) if len(parts) == 4 and parts[0] == "gke" else ("", "", "")
    return (address.project, address.location, address.name)


def write_cluster_table(address: ClusterAddress, options: UpgradeOptions, given: frozenset[str]) -> tuple[str, ...]:
    """The lines that clusters.toml lacks for this cluster; `given` are the names that its [defaults] has already."""
    lines = [
        f"[clusters.{address.key}]",
        f"project = {_write(address.project)}",
        f"location = {_write(address.location)}",
        f"name = {_write(address.name)}",
    ]
    if "approvers" not in given:
        lines.append("approvers = []  # user and user group ids; while it is empty nobody may approve")
    if options.mtls:
        lines.append(f"mtls = {_write(options.mtls)}")
    if options.set_flags:
        lines.append(f"set = {_write(list(options.set_flags))}")
    if options.overlays:
        names = _write([overlay.name for overlay in options.overlays])
        lines.append(f"overlays = {names}  # put the files beside clusters.toml")
    if options.testing_workloads is False:
        lines.append("testing_workloads = false")
    for name in ("canary_namespaces", "skip_namespaces"):
        if value := getattr(options, name):
            lines.append(f"{name} = {_write(list(value))}")
    return tuple(lines)


def _write(value: str | list[str]) -> str:
    """A TOML basic string or an array of them, which JSON spells the same way."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
