"""The prepare phase, which only reads and ends with a proposal; and the plan that is nothing but a proposal."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from steps.contract.cards import Card, Detail
from steps.contract.checks import Check, select_checks
from steps.contract.step import Blocked, Context, Done, Outcome, Step
from steps.contract.wording import Command, count_things
from steps.install.flags import try_options
from steps.install.option_table import compare_to_earlier, list_changed_options
from steps.notes.prepare import (
    CHANNEL,
    CHECKS,
    ESTIMATE,
    FLAGS,
    MESH_SEEN,
    MTLS,
    NODES,
    PLANE,
    PROPOSAL_LINES,
    SIDECARS,
    SIDECARS_ESTIMATE,
    SOURCE,
    SeenMesh,
    SidecarCounts,
    Source,
    choose_flags,
    choose_mtls,
    describe_identity,
    describe_source,
    measure_identity,
    note_cluster,
    recall_identity,
    recall_mtls,
)
from steps.phases.owned_plane import describe_owners, refuse_owners, take_acceptance
from steps.preflight.eligibility import find_early_refusal, find_source, judge_survey, list_plane_versions
from steps.preflight.machine import check_machine
from steps.preflight.survey import Survey, take_survey
from steps.workloads.estimate import (
    OTHER_MINUTES,
    Piece,
    describe_estimate,
    estimate_control_plane,
    estimate_sidecars,
    sum_ranges,
)
from steps.workloads.inventory import take_inventory
from steps.workloads.waves import Planned, list_restart_risks, plan_workloads

WHY = "is not in clusters.toml, so nobody can approve"
# Where widths are unknown: what makes the guide's pace.
PODS_A_ROUND = 25


def identify(ctx: Context) -> Outcome:
    """Read the guide's variables and the server's version."""
    identity = measure_identity(ctx)
    refused = find_early_refusal(identity, ctx.release)
    if refused is not None:
        return Blocked(refused.sentence, refused.remedy)
    note_cluster(ctx)
    return Done(
        f"{identity.name} in {identity.location}, project {identity.project_id}, API server {identity.server_version}"
    )


def inspect(ctx: Context) -> Outcome:
    """Take the survey and judge it; keep what later phases use."""
    identity = measure_identity(ctx)
    survey = take_survey(ctx.gke, ctx.kubernetes, ctx.cluster, ctx.release, identity)
    checks = (
        *judge_survey(survey, ctx.release, ctx.options),
        *check_machine(ctx.mesh_tools, ctx.release_files, ctx.release, identity.server_version),
    )
    errors = select_checks(checks, "error")
    if errors:
        return Blocked("; ".join(c.sentence for c in errors), " ".join(c.remedy for c in errors))
    owned = refuse_owners(take_acceptance(ctx), survey.owners)
    if owned is not None:
        return owned
    checks = (*checks, *describe_owners(ctx, survey.owners))
    source = find_source(survey, ctx.release)
    _keep_survey(ctx, survey, checks, source)
    # Asked again before the apply; here it only tells of a bad flag or overlay before anybody has approved anything.
    try_options(ctx.release, identity, ctx.options, choose_mtls(ctx), choose_flags(ctx))
    return Done(f"ASM {describe_source(ctx)}, {describe_counts(survey.sidecars)}")


def propose(ctx: Context) -> Outcome:
    """Put the proposal together from what was found and what a restart would risk."""
    inventory = take_inventory(ctx.kubernetes, ctx.release, ctx.options)
    card = build_proposal(ctx, plan_workloads(inventory, ctx.options))
    return Done(f"proposal: {ctx.cluster.key} from {describe_source(ctx)} to {ctx.release.version}", card)


def describe_counts(sidecars: SidecarCounts) -> str:
    """`58 sidecars in 3 namespaces`."""
    return f"{count_things(sidecars.pods, 'sidecar')} in {count_things(len(sidecars.by_namespace), 'namespace')}"


def build_proposal(ctx: Context, planned: Planned) -> Card:
    """The proposal's card: facts, risks and an estimate."""
    checks = ctx.recall(CHECKS) or ()
    forecast, pieces, options = ctx.forecast(), list_pieces(ctx, planned), compare_to_earlier(ctx)
    sidecars = estimate_sidecars(ctx.release, pieces, ctx.options, forecast.measured)
    plane = estimate_control_plane(ctx.release, forecast.measured, forecast.nodes)
    ctx.revise(ESTIMATE, sum_ranges(plane, sidecars, OTHER_MINUTES))
    ctx.revise(SIDECARS_ESTIMATE, sidecars)
    return Card(
        title=f"Upgrade {ctx.cluster.key} to ASM {ctx.release.version}",
        summary=(f"From {describe_source(ctx)}, mTLS {_describe_mtls(ctx)}. Nothing has been changed so far.",),
        facts=(*describe_identity(recall_identity(ctx)), ("sidecars", _describe_sidecars(ctx))),
        risks=(
            *ctx.release.warnings,
            *(check.sentence for check in select_checks(checks, "warning")),
            *list_changed_options(options),
            *list_restart_risks(planned),
        ),
        details=(
            Detail("Workloads to restart", list_workloads_to_restart(planned)),
            Detail("Options: the earlier install's beside this upgrade's", (*describe_given(ctx), *options)),
            Detail("Checks", tuple(f"{c.name}: {c.sentence}" for c in select_checks(checks, "ok"))),
        ),
        estimate=describe_estimate(ctx.release, pieces, ctx.options, forecast),
    )


def describe_given(ctx: Context) -> tuple[str, ...]:
    """What a person gave besides flags: overlays by name, and the namespaces that are treated otherwise."""
    asked = ctx.options
    named = (
        ("overlays", tuple(one.name for one in asked.overlays)),
        ("canary namespaces", asked.canary_namespaces),
        ("namespaces left alone", asked.skip_namespaces),
        ("options of the earlier install", ("left, as was asked for",) if asked.earlier_options == "leave" else ()),
    )
    return tuple(f"{what}: {', '.join(names)}" for what, names in named if names)


def list_pieces(ctx: Context, planned: Planned) -> list[Piece]:
    """What is to be re-injected, for the estimate; by the sidecars counted alone where no workload could be read."""
    pieces = [one.piece for one in planned.workloads if one.pods]
    counted = (ctx.recall(SIDECARS) or SidecarCounts()).pods
    return pieces or ([Piece(counted, ceil(counted / PODS_A_ROUND))] if counted else [])


def list_workloads_to_restart(planned: Planned) -> tuple[str, ...]:
    """A line per workload: its pods, its method and the kinds of its risks."""
    lines = tuple(
        f"{one.ref}: " + (f"{one.pods} pods, {one.method}" if one.pods else "left to a person")
        + (f" ({', '.join(one.risks)})" if one.risks else "")
        for one in planned.workloads
        if one.pods or one.risks
    )  # fmt: skip
    return lines or ("none",)


def _describe_sidecars(ctx: Context) -> str:
    found = ctx.recall(SIDECARS) or SidecarCounts()
    listed = ", ".join(f"{name} {count}" for name, count in sorted(found.by_namespace.items()))
    return f"{count_things(found.pods, 'pod')}: {listed}" if found.by_namespace else "none"


def _describe_mtls(ctx: Context) -> str:
    now, wanted = recall_mtls(ctx), choose_mtls(ctx)
    return f"stays {now}" if now == wanted else f"changes from {now} to {wanted}"


def count_agents(survey: Survey) -> int:
    """The nodes on which the control plane has a pod of its own."""
    return max((w.replicas for w in survey.control_plane if w.ref.kind == "DaemonSet"), default=0)


def _keep_survey(ctx: Context, survey: Survey, checks: tuple[Check, ...], source: str) -> None:
    seen = SeenMesh(list_plane_versions(survey), survey.sidecars.by_version)
    ctx.revise(MESH_SEEN, seen)
    ctx.revise(SOURCE, Source(source, "" if seen.plane == (source,) else str(seen)))
    ctx.revise(MTLS, survey.previous.mtls or "PERMISSIVE")
    ctx.revise(FLAGS, survey.previous.flags)
    ctx.revise(SIDECARS, survey.sidecars)
    ctx.revise(PLANE, {str(one.ref): dict(one.images) for one in survey.control_plane})
    ctx.revise(CHANNEL, survey.identity.release_channel)
    ctx.revise(CHECKS, checks)
    ctx.revise(NODES, count_agents(survey))


def post_proposal(ctx: Context) -> Outcome:
    """Post what an upgrade would do, and what to add to clusters.toml before one can be started."""
    card = build_proposal(ctx, plan_workloads(take_inventory(ctx.kubernetes, ctx.release, ctx.options), ctx.options))
    lines = ctx.recall(PROPOSAL_LINES) or ()
    key = ctx.cluster.key
    summary = (
        *card.summary,
        f"This is a proposal only: {key} was found in GKE and {WHY} it.",
        "To make it an upgrade, add the lines below to clusters.toml, restart the bot, and "
        f"{Command(f'start {key}')} again.",
    )
    return Done(
        f"proposal only: {key} from {describe_source(ctx)} to {ctx.release.version}; it {WHY} it",
        replace(card, title=f"Proposal: {card.title}", summary=summary, snippet=Detail("Add to clusters.toml", lines)),
    )


STEPS: tuple[Step, ...] = (
    Step("prepare/identify", identify),
    Step("prepare/inspect", inspect),
    Step("prepare/propose", propose),
)
# Where the cluster can only be proposed, this comes in place of prepare's own proposal.
PROPOSAL_STEPS = (Step("proposal/post", post_proposal),)
