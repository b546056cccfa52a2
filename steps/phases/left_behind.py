"""What an aborted upgrade, or way back, leaves behind: versions, what still rolls out, what was begun."""

from __future__ import annotations

from collections import Counter

from steps.contract.cards import Card
from steps.contract.ledger import count_entries
from steps.contract.step import Context, Done, Outcome
from steps.contract.wording import count_things
from steps.notes.prepare import MESH_SEEN, SeenMesh
from steps.notes.way_back import name_undertaking
from steps.phases.sidecars.flights.begun import list_half_rolled
from steps.phases.versions_found import count_versions, list_versions
from steps.versions import read_tag
from steps.workloads.inventory import is_live


def report_abort(ctx: Context) -> Outcome:
    """Say which versions the cluster is left with; changes nothing."""
    pods = [pod for pod in ctx.kubernetes.list_pods() if is_live(pod)]
    plane = count_versions((pod for pod in pods if pod.namespace == ctx.release.namespace), ctx.release)
    sidecars = Counter(
        read_tag(pod.proxy_image) for pod in pods if pod.proxy_image and pod.namespace != ctx.release.namespace
    )
    ctx.revise(MESH_SEEN, SeenMesh(tuple(sorted(filter(None, plane))), sidecars))
    undertaking = name_undertaking(ctx)
    counts = count_entries(ctx.ledger.read_entries())
    rolling = list_rolling(ctx)
    half = list_half_rolled(ctx)
    left = (
        f"control plane: {list_versions(plane)}",
        *([f"still rolling out by itself: {', '.join(rolling)}"] if rolling else []),
        f"sidecars: {list_versions(sidecars)}",
        "ledger: " + ", ".join(f"{number} {state}" for state, number in counts.items() if number)
        if any(counts.values())
        else f"no pod was restarted by this {undertaking}",
        *half,
    )
    mixed = len({*plane, *sidecars}) > 1
    further = "a new upgrade" if undertaking == "upgrade" else "a new upgrade, or another way back,"
    risks = (f"The cluster is left with mixed versions; {further} goes on from here.",) if mixed else ()
    moving = ", still rolling out" if rolling else ""
    begun = f", {count_things(len(half), 'workload')} half rolled" if half else ""
    return Done(
        f"aborted the {undertaking} of {ctx.cluster.key}; "
        f"control plane {list_versions(plane)}{moving}, sidecars {list_versions(sidecars)}{begun}",
        Card("What is left behind", summary=left, risks=risks),
    )


def list_rolling(ctx: Context) -> tuple[str, ...]:
    """The workloads of the control plane whose pods are not all on what was applied last."""
    kinds = ("Deployment", "DaemonSet")
    return tuple(
        f"{found.ref.kind}/{found.ref.name} ({found.updated} of {found.replicas})"
        for found in ctx.kubernetes.list_workloads(ctx.release.namespace, kinds)
        if found.updated < found.replicas or found.observed_generation < found.generation
    )
