"""Gateways of the control plane's namespace that an upgrade does not take along. Pure.

Their proxy stands in their own template, so that neither istioctl nor a restart brings them the new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from steps.contract.release import Release
from steps.install.components import COMPONENTS, find_component, write_flags
from steps.mesh import Workload, WorkloadRef
from steps.versions import read_tag
from steps.workloads.injection import PROXY, is_target_image

KINDS = ("Deployment", "DaemonSet", "StatefulSet")


def find_left_gateways(plane: Iterable[Workload], moved: Collection[str], release: Release) -> tuple[str, ...]:
    """A sentence for each workload with a proxy of its own that keeps the old one; `moved` are ids of the others."""
    return tuple(_describe(one, release) for one in plane if _stays(one, release) and str(one.ref) not in moved)


def list_brought(release: Release, flags: Iterable[str]) -> frozenset[str]:
    """Ids of what these flags bring to the release, before istioctl was asked."""
    asked = set(flags)
    names = [one.workload for one in COMPONENTS if asked.issuperset(one.flags)]
    parts = [WorkloadRef(release.namespace, kind, name) for name in names for kind in KINDS]
    own = [WorkloadRef(release.namespace, one.kind, one.name) for one in release.workloads]
    return frozenset(map(str, [*parts, *own]))


def _stays(one: Workload, release: Release) -> bool:
    own = one.ref.namespace == release.namespace and one.ref.kind in KINDS
    return own and PROXY in one.images and not is_target_image(one.images[PROXY], release)


def _describe(one: Workload, release: Release) -> str:
    component = find_component(one.ref.name)
    way = (
        f"start again with {write_flags(component)} to take it along"
        if component
        else f"no flag takes it along: set its {PROXY} to {release.hub}/proxyv2:{release.version} where it is made"
    )
    now = read_tag(one.images[PROXY]) or one.images[PROXY]
    name = f"{one.ref.kind} {one.ref.namespace}/{one.ref.name}"
    return f"{name} keeps its proxy of {now}, as nothing is handed over for it; {way}"
