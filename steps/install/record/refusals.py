"""What stops an apply before anybody is asked about it: another mode, another release, a trust domain that breaks."""

from __future__ import annotations

from collections.abc import Sequence

from steps.contract.ports import Manifest
from steps.contract.step import Blocked, Context
from steps.install.differences.departures import find_tag_faults
from steps.install.differences.rendered import find_object, read_texts
from steps.install.policies import read_policies
from steps.install.record.facts import MeshFacts
from steps.install.recovery import read_mesh_config
from steps.install.trust import describe_trust_change, read_trust_domains
from steps.notes.prepare import choose_mtls


def refuse_facts(ctx: Context, objects: Sequence[Manifest], facts: MeshFacts) -> Blocked | None:
    """What is handed over has to be what was asked for, whatever flag or overlay brings something else."""
    remedy = "Nothing has been written. Find the flag or overlay that does it, and start again without it."
    wanted = choose_mtls(ctx)
    if facts.mtls and facts.mtls != wanted:
        return Blocked(f"istioctl would set {facts.mtls} mTLS, and {wanted} was asked for", remedy)
    faults = find_tag_faults(objects, ctx.release)
    return Blocked(f"istioctl would not bring the release: {'; '.join(faults[:3])}", remedy) if faults else None


def refuse_trust_change(ctx: Context, objects: Sequence[Manifest], live: Sequence[Manifest]) -> Blocked | None:
    """A trust domain that changes breaks the policies that name the old one."""
    before, _ = read_mesh_config(read_texts(find_object(live, "ConfigMap", "istio")))
    after, _ = read_mesh_config(read_texts(find_object(objects, "ConfigMap", "istio")))
    if not before or not after:
        return None
    old, new = read_trust_domains(before), read_trust_domains(after)
    why, remedy = describe_trust_change(read_policies(ctx.kubernetes), old, new)
    return Blocked(why, remedy) if why else None
