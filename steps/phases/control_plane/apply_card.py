"""The card of the apply, with the way back: covered by this approval, or how a person goes it."""

from __future__ import annotations

from collections.abc import Mapping

from steps.contract.cards import Card, Detail
from steps.contract.step import Context
from steps.gates import build_gate_card, list_evidence
from steps.install.record.apply_requests import build_earlier_options
from steps.install.record.preview import Preview, format_command
from steps.mesh import WorkloadRef
from steps.notes.download import PREVIOUS, NoWayBack, describe_way_back
from steps.notes.prepare import SIDECARS_ESTIMATE, choose_mtls, recall_source
from steps.phases.control_plane.mtls import describe_cut_off, fold_cut_off
from steps.workloads.estimate import describe_control_plane


def build_apply_card(ctx: Context, found: Preview, outside: Mapping[WorkloadRef, int] | None) -> Card:
    """The card of the apply: what is handed to kubectl, what was verified, who is cut off, and how long it takes."""
    ahead = ctx.recall(SIDECARS_ESTIMATE) or (0.0, 0.0)
    request, mode = found.recorded.request, found.facts.mtls or choose_mtls(ctx)
    kubectl = ("kubectl", f"{request.kubectl.version}, {request.kubectl.path}, SHA-256 {request.kubectl.sha256}")
    record = ("record of what is handed to kubectl", f"SHA-256 {found.recorded.record.digest}")
    return build_gate_card(
        ctx,
        found.identity,
        "Control plane",
        (
            f"Backs up, then runs istioctl manifest apply with {mode} mTLS: {found.sentence}.",
            describe_return(ctx, found),
        ),
        facts=(
            ("what changes", found.meaning),
            *list_evidence(ctx),
            record,
            kubectl,
            ("way back", describe_way_back(ctx)),
        ),
        risks=(
            *([describe_cut_off(outside)] if outside else []),
            *found.risks,
            "From then on every new pod gets the new sidecar.",
            "While the injector rolls, no pod can start in an injected namespace.",
        ),
        details=(*fold_cut_off(outside), *found.details, *([] if found.way_back else [describe_by_hand(ctx, found)])),
        estimate=describe_control_plane(ctx.release, ctx.forecast(), ahead),
    )


def describe_return(ctx: Context, found: Preview) -> str:
    """The sentence on the card."""
    if found.way_back is not None:
        return (
            f"This approval also covers the way back to {recall_source(ctx)}, until 24 h after the end: any requester "
            "or approver may order it alone, with a reason, and it asks only where it would do something else."
        )
    previous = ctx.recall(PREVIOUS)
    why = previous.why if isinstance(previous, NoWayBack) else "what the earlier release would hand over is not known"
    return f"No way back by the bot: {why}. The manual steps are below."


def describe_by_hand(ctx: Context, found: Preview) -> Detail:
    """The commands of a way back by hand, with the place of the backup."""
    source, namespace = recall_source(ctx), ctx.release.namespace
    arguments, overlays = build_earlier_options(ctx, found.identity)
    return Detail(
        "The way back by hand",
        (
            f"# with the istioctl of {source}; before that, this upgrade is aborted",
            *format_command(arguments, overlays),
            *(f"kubectl -n {namespace} rollout status {one.kind.lower()}/{one.name}" for one in ctx.release.workloads),
            "# then each workload that has the new sidecar",
            "kubectl -n NAMESPACE rollout restart KIND/NAME",
            "# what was removed or edited, from the backup",
            f"kubectl apply -f {ctx.backups.find_folder(ctx.upgrade_id)}/FILE",
        ),
    )
