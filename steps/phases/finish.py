"""The finish phase: the bot's own rights given back, and a report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from steps.contract.cards import Card, Detail
from steps.contract.ledger import EntryState, count_entries, count_pods, describe_left_pods, list_left_commands
from steps.contract.step import Context, Done, Outcome, Step
from steps.gates import fold_facts, list_evidence
from steps.install.gateways import find_left_gateways
from steps.notes.control_plane import IN_PLACE, describe_backup
from steps.notes.download import describe_way_back
from steps.notes.prepare import (
    ESTIMATE,
    MESH_SEEN,
    SeenMesh,
    choose_mtls,
    describe_identity,
    describe_source,
    recall_identity,
)
from steps.notes.way_back import name_moved, name_sidecar
from steps.phases.lease.giving_back import give_all_back
from steps.phases.same_cluster import on_same_cluster
from steps.phases.sidecars.flights.begun import list_half_rolled
from steps.preflight.survey import count_sidecars
from steps.workloads.estimate import compare_estimate


def revoke(ctx: Context) -> Outcome:
    """Remove the binding that this upgrade created, then let its Lease go."""
    return Done(give_all_back(ctx))


def report(ctx: Context) -> Outcome:
    """Say how the upgrade ended, with its evidence."""
    counts = count_entries(ctx.ledger.read_entries())
    keep_seen_mesh(ctx)
    return Done(describe_end(ctx, counts), build_report(ctx, counts))


def keep_seen_mesh(ctx: Context) -> None:
    """Keep what the mesh is on at the end: the sidecars that were left are on something else."""
    left = count_sidecars(ctx.kubernetes.list_pods(), ctx.release.namespace).by_version
    ctx.revise(MESH_SEEN, SeenMesh((ctx.release.version,), left))


def describe_end(ctx: Context, counts: Mapping[EntryState, int]) -> str:
    """`upgraded cluster-x: 1.4.7-asm.0 → 1.4.10-asm.18, 75/78 pods, 3 manual`; pods that are gone are not counted."""
    versions = f"{describe_source(ctx)} → {ctx.release.version}"
    return f"upgraded {ctx.cluster.key}: {versions}, {describe_moved_pods(counts)}{describe_unapplied(ctx)}"


def describe_moved_pods(counts: Mapping[EntryState, int]) -> str:
    """`75/78 pods, 3 manual`; pods that are gone are not counted."""
    total = count_pods(counts)
    others: tuple[EntryState, ...] = ("skipped", "failed", "pending")
    rest = "".join(f", {counts[state]} {state}" for state in others if counts[state])
    return f"{counts['upgraded']}/{total} pods, {counts['manual']} manual{rest}"


def describe_unapplied(ctx: Context) -> str:
    """The end of a sentence that says that the control plane is nothing of this upgrade's doing."""
    return "; the control plane was in place before and nothing was applied to it" if ctx.recall(IN_PLACE) else ""


def build_report(ctx: Context, counts: Mapping[EntryState, int]) -> Card:
    """The report's card."""
    named = {**{state: str(state) for state in counts}, "upgraded": name_moved(ctx)}
    ledger = ", ".join(f"{count} {named[state]}" for state, count in counts.items() if count) or "no pods in scope"
    left = describe_left_pods(counts, name_sidecar(ctx))
    commands = list_left_commands(ctx.ledger.read_entries())
    return Card(
        title=f"{ctx.cluster.key}{': its control plane' if left else ''} is on ASM {ctx.release.version}",
        summary=(f"Ledger: {ledger}.", *([f"{left}."] if left else [])),
        facts=(
            ("versions", f"{describe_source(ctx)} → {ctx.release.version}"),
            ("mTLS", choose_mtls(ctx)),
            ("backup", describe_backup(ctx)),
            ("way back", describe_way_back(ctx)),
            ("time after prepare", describe_time(ctx)),
        ),
        snippet=Detail("Left to do", commands) if commands else None,
        risks=(
            *list_half_rolled(ctx),
            *find_left_gateways(ctx.kubernetes.list_workloads(ctx.release.namespace), (), ctx.release),
        ),
        details=(
            fold_facts("Cluster", describe_identity(recall_identity(ctx))),
            fold_facts("Evidence", list_evidence(ctx)),
        ),
    )


def describe_time(ctx: Context) -> str:
    """What was estimated at first beside what it took from then on; waiting for people is in neither."""
    took = {phase: minutes for phase, minutes in ctx.forecast().took.items() if phase != "prepare"}
    return compare_estimate(ctx.recall(ESTIMATE) or (0.0, 0.0), took)


STEPS: tuple[Step, ...] = (
    Step("finish/revoke", on_same_cluster(revoke), timedelta(minutes=10)),
    Step("finish/report", report),
)
