"""The control-plane phase: backup, istioctl manifest apply, and the wait that istioctl 1.4 itself doesn't do."""

from __future__ import annotations

import json
from datetime import timedelta

from steps.contract.cards import DENY, Card, Choice, Detail
from steps.contract.errors import GiveUp
from steps.contract.notes import Json, write_plain
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Step, Waiting
from steps.gates import (
    bind_apply,
    bind_mtls_change,
    bind_removals,
    build_gate_card,
    list_evidence,
    pass_gate,
)
from steps.install.preview import Preview, measure_preview, name_removals
from steps.install.removals import read_removals
from steps.notes.control_plane import APPROVED_REMOVALS, BACKUP, INGRESS
from steps.notes.download import REMOVALS, describe_way_back, recall_arguments
from steps.notes.prepare import (
    IDENTITY,
    SIDECARS_ESTIMATE,
    choose_mtls,
    measure_identity,
    recall_flags,
    recall_mtls,
    recall_source,
)
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.backup import (
    dump_objects,
    list_backup_items,
    name_backup,
    read_backup,
    strip_server_fields,
)
from steps.phases.control_plane.replacement import roll_out
from steps.preflight.eligibility import BUSY_OPERATIONS, describe_operation
from steps.workloads.estimate import describe_control_plane

BACKUPS_A_TURN = 10
APPROVE_REMOVAL = Choice(
    "approve", "Approve the removal", "main", confirm="What is removed comes back only from the backup. Remove it?"
)


def approve_mtls(ctx: Context) -> Outcome:
    """Ask on its own about another mTLS mode than the one in force; nothing to ask where it stays."""
    now, wanted = recall_mtls(ctx), choose_mtls(ctx)
    if now == wanted:
        return Done("")
    identity = measure_identity(ctx)
    risk = (
        "Workloads without a sidecar, and probes from outside the mesh, can no longer reach those inside."
        if wanted == "STRICT"
        else "Workloads will take plain text again."
    )
    card = build_gate_card(ctx, identity, "Change of mTLS", (f"mTLS changes from {now} to {wanted}.",), risks=(risk,))
    question = f"Change {ctx.cluster.key} from {now} to {wanted} mTLS?"
    return pass_gate(ctx, Ask(question, card, bind_mtls_change(ctx, identity)))


def approve_removals(ctx: Context) -> Outcome:
    """Ask on its own about what the apply would delete; nothing to ask where it deletes nothing."""
    if not ctx.recall(REMOVALS):
        return Done("")
    found = measure_preview(ctx)
    if isinstance(found, Blocked):
        return found
    if not found.removals:
        return Done("")
    card = build_gate_card(
        ctx,
        found.rendering.identity,
        "Removals",
        (
            "Most often a --set flag or -f file of the earlier install is missing: then deny, abort and start again"
            " with it.",
            "Approve only what is no longer wanted. The backup keeps a copy of everything named here.",
        ),
        risks=found.risks,
        details=(Detail("Removed by the apply", found.removals),),
    )
    binding = bind_removals(ctx, found.rendering.identity, found.removals)
    question = f"Let the apply remove {name_removals(found.removals)} from {ctx.cluster.key}?"
    outcome = pass_gate(ctx, Ask(question, card, binding, (APPROVE_REMOVAL, DENY)))
    if isinstance(outcome, Done):
        ctx.revise(APPROVED_REMOVALS, found.removals)
    return outcome


def approve(ctx: Context) -> Outcome:
    """Ask before the first write to the control plane, with arguments, differences and evidence."""
    busy = find_busy_operation(ctx)
    if busy:
        return Blocked(busy, "Wait until it has ended, then retry; moving nodes and a moving control plane don't mix.")
    found = measure_preview(ctx)
    if isinstance(found, Blocked):
        return found
    rendering = found.rendering
    binding = bind_apply(ctx, rendering.identity, rendering.arguments, rendering.sha256)
    question = f"Replace the control plane of {ctx.cluster.key} by {ctx.release.version}?"
    late = [one for one in found.removals if one not in (ctx.recall(APPROVED_REMOVALS) or ())]
    if late:
        question = f"{question.removesuffix('?')}, and let the apply also remove {name_removals(late)}?"
    return pass_gate(ctx, Ask(question, _build_card(ctx, found), binding))


def back_up(ctx: Context) -> Outcome:
    """Keep the state before the first write, a few kinds per turn."""
    items = list_backup_items(ctx.release)
    kept = ctx.recall(BACKUP) or {}
    left = [item for item in items if name_backup(item) not in kept]
    counts = dict(kept)
    for item in left[:BACKUPS_A_TURN]:
        text, count = read_backup(ctx.kubernetes, item)
        if count:
            ctx.backups.write_backup(ctx.upgrade_id, name_backup(item), text)
        counts[name_backup(item)] = count
    ctx.revise(BACKUP, counts)
    if len(left) > BACKUPS_A_TURN:
        return Waiting(f"backing up: {len(counts)} of {len(items)} kinds", 0.0)
    address = ctx.kubernetes.read_ingress_address(ctx.release.namespace, ctx.release.ingress_service)
    ctx.remember(INGRESS, address)
    _keep_removals(ctx)
    ctx.backups.write_backup(ctx.upgrade_id, "install.json", describe_install(ctx, address))
    return Done(f"backup: {sum(counts.values())} objects of {sum(1 for n in counts.values() if n)} kinds")


def _keep_removals(ctx: Context) -> None:
    """What the apply deletes, of whatever kind and namespace; what was seen to go must not be lost."""
    names = ctx.recall(REMOVALS) or ()
    if names:
        text = dump_objects(strip_server_fields(item) for item in read_removals(ctx.kubernetes, names))
        ctx.backups.write_backup(ctx.upgrade_id, "removed.yaml", text)


def describe_install(ctx: Context, ingress: str) -> str:
    """What a way back needs besides the objects, as JSON: version, options and address before the first write."""
    identity = ctx.recall(IDENTITY)
    kept: dict[str, Json] = {
        "version": recall_source(ctx),
        "mTLS": recall_mtls(ctx),
        "set flags": list(recall_flags(ctx)),
        "ingress address": ingress,
        "arguments of this upgrade": list(recall_arguments(ctx)),
        "identity": write_plain(identity),
    }
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def find_busy_operation(ctx: Context) -> str:
    """A GKE operation that moves nodes or the master, in a sentence; "" where none runs or none may be read."""
    try:
        operations = ctx.gke.list_operations(ctx.cluster)
    except GiveUp:
        return ""
    return next((describe_operation(found) for found in operations if found.kind in BUSY_OPERATIONS), "")


def _build_card(ctx: Context, found: Preview) -> Card:
    ahead = ctx.recall(SIDECARS_ESTIMATE) or (0.0, 0.0)
    way_back = ("way back", describe_way_back(ctx))
    return build_gate_card(
        ctx,
        found.rendering.identity,
        "Control plane",
        (f"Backs up, then runs istioctl manifest apply with {choose_mtls(ctx)} mTLS: {found.sentence}.",),
        facts=(*list_evidence(ctx), ("rendered manifest", f"SHA-256 {found.rendering.sha256}"), way_back),
        risks=(
            *found.risks,
            "From then on every new pod gets the new sidecar.",
            "While the injector rolls, no pod can start in an injected namespace.",
        ),
        details=found.details,
        estimate=describe_control_plane(ctx.release, ctx.forecast(), ahead),
    )


STEPS: tuple[Step, ...] = (
    Step("control-plane/approve-mtls", approve_mtls),
    Step("control-plane/approve-removals", approve_removals),
    Step("control-plane/approve", approve),
    Step("control-plane/backup", back_up),
    Step("control-plane/apply", apply, timedelta(hours=1)),
    Step("control-plane/rollout", roll_out, timedelta(hours=8)),
)
