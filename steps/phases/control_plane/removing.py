"""Approved removals: backed up and deleted by the bot itself, each by its UID, after a right apply."""

from __future__ import annotations

from steps.contract.step import Context
from steps.install.record.removals import read_removals
from steps.notes.control_plane import APPROVED_APPLY, KEPT, REMOVAL_UIDS, REMOVED
from steps.phases.control_plane.backup import dump_objects, name_removed, strip_object

REMOVALS_A_TURN = 20


def remove_approved(ctx: Context) -> bool:
    """Delete what was approved and is still the same object, a few a turn; whether all of it is settled."""
    approved, uids = ctx.recall(APPROVED_APPLY), ctx.recall(REMOVAL_UIDS) or {}
    settled = {*(ctx.recall(KEPT) or ()), *(ctx.recall(REMOVED) or ())}
    left = [name for name in (approved.removals if approved else ()) if name not in settled]
    batch = left[:REMOVALS_A_TURN]
    live = read_removals(ctx.kubernetes, batch)
    for name in batch:
        made = live.get(name)
        if made is None:
            continue
        metadata = made["metadata"]
        if metadata.get("uid") != uids.get(name):
            ctx.say(f"{name} was born anew after the approval, so it stays")
            continue
        ctx.backups.write_backup(ctx.upgrade_id, name_removed(name), dump_objects([strip_object(made)]))
        namespace = str(metadata.get("namespace") or "")
        ctx.kubernetes.delete_object(made["apiVersion"], made["kind"], namespace, metadata["name"], metadata["uid"])
        copy = "has it without what it held" if made["kind"] == "Secret" else "has a copy"
        ctx.say(f"{name} is removed, as approved; the backup {copy}")
    ctx.revise(REMOVED, (*(ctx.recall(REMOVED) or ()), *batch))
    return len(left) <= REMOVALS_A_TURN
