"""The control-plane phase: backup, istioctl manifest apply, and the wait that istioctl 1.4 itself doesn't do."""

from __future__ import annotations

import json
from datetime import timedelta

from steps.contract.notes import Json, write_plain
from steps.contract.step import Context, Done, Outcome, Step, Waiting
from steps.notes.control_plane import BACKUP, IN_PLACE, INGRESS
from steps.notes.download import recall_arguments
from steps.notes.prepare import IDENTITY, SOURCE, Source, describe_source, recall_flags, recall_mtls
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import approve, approve_departures, approve_mtls
from steps.phases.control_plane.backup import list_backup_items, name_backup, read_backup
from steps.phases.control_plane.replacement import roll_out
from steps.phases.same_cluster import on_same_cluster

BACKUPS_A_TURN = 10
# Four recordings, each with its own time limit.
RECORDING_PATIENCE = timedelta(minutes=30)


def back_up(ctx: Context) -> Outcome:
    """Keep the state before the first write, a few kinds per turn; where nothing is written, an earlier one stays."""
    if ctx.recall(IN_PLACE) is not None:
        ctx.remember(INGRESS, read_ingress(ctx))
        return Done("no backup: nothing is written to the control plane, and what was kept before it moved stays")
    items = list_backup_items(ctx.release)
    known = ctx.recall(BACKUP) or {}
    left = [item for item in items if name_backup(item) not in known]
    counts = dict(known)
    for item in left[:BACKUPS_A_TURN]:
        text, count = read_backup(ctx.kubernetes, item)
        if count:
            ctx.backups.write_backup(ctx.upgrade_id, name_backup(item), text)
        counts[name_backup(item)] = count
    ctx.revise(BACKUP, counts)
    if len(left) > BACKUPS_A_TURN:
        return Waiting(f"backing up: {len(counts)} of {len(items)} kinds", 0.0)
    address = read_ingress(ctx)
    ctx.remember(INGRESS, address)
    ctx.backups.write_backup(ctx.upgrade_id, "install.json", describe_install(ctx, address))
    kept = f"backup: {sum(counts.values())} objects of {sum(1 for n in counts.values() if n)} kinds"
    if (ctx.recall(SOURCE) or Source()).shown:
        return Done(f"{kept}, of a control plane that had moved before; what was kept before that stays")
    return Done(kept)


def read_ingress(ctx: Context) -> str:
    """The address of the ingress as it is now."""
    return ctx.kubernetes.read_ingress_address(ctx.release.namespace, ctx.release.ingress_service)


def describe_install(ctx: Context, ingress: str) -> str:
    """What a way back needs besides the objects, as JSON: version, options and address before the first write."""
    identity = ctx.recall(IDENTITY)
    kept: dict[str, Json] = {
        "version": describe_source(ctx),
        "mTLS": recall_mtls(ctx),
        "set flags": list(recall_flags(ctx)),
        "ingress address": ingress,
        "arguments of this upgrade": list(recall_arguments(ctx)),
        "identity": write_plain(identity),
    }
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


GATES: tuple[Step, ...] = (
    Step("control-plane/approve-mtls", approve_mtls),
    Step("control-plane/approve-removals", approve_departures, RECORDING_PATIENCE),
    Step("control-plane/approve", approve, RECORDING_PATIENCE),
)
ACTS: tuple[Step, ...] = (
    Step("control-plane/backup", back_up),
    Step("control-plane/apply", on_same_cluster(apply), timedelta(hours=1)),
    Step("control-plane/rollout", roll_out, timedelta(hours=8)),
)
STEPS: tuple[Step, ...] = (*GATES, *ACTS)
