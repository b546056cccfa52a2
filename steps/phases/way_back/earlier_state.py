"""The backup held against what the earlier release hands over: what would not be as it was before the upgrade."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from steps.contract.documents import BadDocument, read_yaml
from steps.contract.errors import GiveUp
from steps.contract.ports import Manifest
from steps.contract.step import Context
from steps.install.differences.departures import WRITTEN_BACK, is_image
from steps.install.differences.rendered import VERSION_LABEL, ObjectId, identify_object
from steps.install.differences.three_way import compare_three_ways
from steps.notes.way_back import TakenBack
from steps.phases.control_plane.archive import SUMS, list_changed_parts, read_sums
from steps.phases.control_plane.backup import LEFT_OUT, list_backup_items, name_backup, name_removed


def find_lost_fields(ctx: Context, taken: TakenBack, objects: Sequence[Manifest]) -> tuple[str, ...]:
    """The fields that were otherwise before the upgrade than they would be set, a line each.

    Fields that the backup lacks count for nothing: it may have them under another version of the kind.
    """
    kept = read_earlier_objects(ctx, taken.upgrade)
    pairs = [(made, kept[identify_object(made)]) for made in objects if identify_object(made) in kept]
    changes = (change for made, before in pairs for change in compare_three_ways(made, before))
    return tuple(
        str(change)
        for change in changes
        if change.kind != "added" and change.path[-1] not in (VERSION_LABEL, WRITTEN_BACK) and not is_image(change.path)
    )


def read_earlier_objects(
    ctx: Context, upgrade: str, kinds: Collection[str] | None = None
) -> Mapping[ObjectId, Manifest]:
    """The objects of the upgrade's backup, of all kinds that lie there or of some; nothing where the backup is gone."""
    names = (name_backup(item) for item in list_backup_items(ctx.release) if kinds is None or item[1] in kinds)
    texts = (ctx.backups.read_backup(upgrade, name) for name in names)
    return {identify_object(made): made for text in texts if text for made in read_backup_objects(text)}


def find_backup_faults(ctx: Context, upgrade: str) -> tuple[str, ...]:
    """What is not as the backup was written, a sentence each; earlier versions of the bot wrote no table of it."""
    table = ctx.backups.read_backup(upgrade, SUMS)
    if table is None:
        gone = f"the backup of {upgrade} is gone, so what was before can't be held against what comes back"
        return () if read_earlier_objects(ctx, upgrade) else (gone,)
    sums = read_sums(table)
    texts = {name: ctx.backups.read_backup(upgrade, name) for name in sums}
    faults = list_changed_parts(sums, {name: text for name, text in texts.items() if text is not None})
    return tuple(f"in the backup of {upgrade} {fault}" for fault in faults)


def read_backup_objects(text: str) -> Iterator[Manifest]:
    """The objects of one file of a backup."""
    try:
        documents = read_yaml(text)
    except BadDocument as error:
        raise GiveUp(
            f"a file of the backup can't be read: {error}", "Restore the backup's file, then retry."
        ) from error
    for made in documents:
        if isinstance(made, Mapping) and LEFT_OUT not in ((made.get("metadata") or {}).get("annotations") or {}):
            yield made


def list_lost_objects(taken: TakenBack, objects: Sequence[Manifest]) -> tuple[str, ...]:
    """What the upgrade removed and the earlier release alone does not bring back, with the file that has it."""
    back = {str(identify_object(made)) for made in objects}
    return tuple(f"{name}: {taken.upgrade}/{name_removed(name)}" for name in taken.removed if name not in back)
