"""The backup before the first write: the objects a few kinds a turn, what the install was given, and their hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from steps.contract.cards import Attachment
from steps.contract.errors import GiveUp
from steps.contract.notes import Json, encode_note
from steps.contract.redaction import redact
from steps.contract.step import Blocked, Context, Done, Outcome, Waiting
from steps.install.record.apply_requests import build_earlier_options
from steps.notes.control_plane import BACKUP, BACKUP_BEGUN, IN_PLACE, INGRESS
from steps.notes.download import recall_arguments
from steps.notes.prepare import (
    IDENTITY,
    SOURCE,
    Source,
    describe_source,
    measure_identity,
    recall_flags,
    recall_mtls,
)
from steps.phases.control_plane.archive import INSTALL, SUMS, write_archive, write_sums
from steps.phases.control_plane.backup import list_backup_items, name_backup, read_backup
from steps.phases.owned_plane import refuse_to_write

BACKUPS_A_TURN = 10
# A longer file would reach the thread with its middle cut out.
LARGEST_FILE = 1_000_000


def back_up(ctx: Context) -> Outcome:
    """Keep the state before the first write, a few kinds per turn; where nothing is written, an earlier one stays."""
    if ctx.recall(IN_PLACE) is not None:
        ctx.remember(INGRESS, read_ingress(ctx))
        return Done("no backup: nothing is written to the control plane, and what was kept before it moved stays")
    refused = refuse_backup(ctx)
    if refused is not None:
        return refused
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
    ctx.backups.write_backup(ctx.upgrade_id, INSTALL, describe_install(ctx, address))
    return seal_backup(ctx, counts)


def refuse_backup(ctx: Context) -> Blocked | None:
    """Why nothing may be kept: the control plane is not what was prepared, or files from an earlier life lie there.

    Both come of a state folder that was restored from an older copy; the first also of somebody who applies by hand.
    """
    if ctx.recall(BACKUP) is not None or ctx.recall(BACKUP_BEGUN) is not None:
        return None
    refused = refuse_to_write(ctx)
    if refused is not None:
        return refused
    if any(ctx.backups.read_backup(ctx.upgrade_id, name) is not None for name in (SUMS, INSTALL, *_list_files(ctx))):
        return Blocked(
            f"{ctx.backups.find_folder(ctx.upgrade_id)} holds a backup that this journal knows nothing of",
            "The journal is an older copy, or another bot's. What lies there may be the only copy of what was before: "
            "move the folder to a safe place, then retry; abort changes nothing.",
        )
    ctx.remember(BACKUP_BEGUN, ctx.now)
    return None


def seal_backup(ctx: Context, counts: Mapping[str, int]) -> Done:
    """Write the table of hashes, and offer all of it as one file."""
    texts = {
        name: ctx.backups.read_backup(ctx.upgrade_id, name) for name in (INSTALL, *(n for n in counts if counts[n]))
    }
    parts = {name: text for name, text in texts.items() if text is not None}
    ctx.backups.write_backup(ctx.upgrade_id, SUMS, write_sums(parts))
    kept = f"backup: {sum(counts.values())} objects of {sum(1 for n in counts.values() if n)} kinds"
    if (ctx.recall(SOURCE) or Source()).shown:
        kept = f"{kept}, of a control plane that had moved before; what was kept before that stays"
    archive = write_archive(ctx.upgrade_id, parts)
    # a text that the thread would not get whole is no backup
    if len(archive) > LARGEST_FILE or redact(archive) != archive:
        return Done(
            f"{kept}; `asm-upgrade export {ctx.upgrade_id} --backup` on the bot's machine writes them as one file"
        )
    return Done(kept, attachments=(Attachment(f"{ctx.upgrade_id}-backup.yaml", archive),))


def _list_files(ctx: Context) -> tuple[str, ...]:
    return tuple(name_backup(item) for item in list_backup_items(ctx.release))


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
        "arguments of that install": list(list_earlier_arguments(ctx)),
        "ingress address": ingress,
        "arguments of this upgrade": list(recall_arguments(ctx)),
        "overlays of this upgrade": {one.name: one.text for one in ctx.options.overlays},
        "identity": encode_note(identity),
    }
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def list_earlier_arguments(ctx: Context) -> tuple[str, ...]:
    """What brings the install that is there with its release's istioctl; why that is not known where it is not."""
    try:
        return build_earlier_options(ctx, measure_identity(ctx))[0]
    except GiveUp as error:
        return (f"not known: {error.why}",)
