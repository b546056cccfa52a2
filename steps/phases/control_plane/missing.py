"""What the cluster lacks of the record after an apply."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from steps.contract.documents import BadDocument, read_table
from steps.contract.ports import Manifest
from steps.contract.record import Leaf, Record, RecordedObject, blank_leaves, write_canonically
from steps.contract.step import Blocked, Context, Waiting
from steps.install.differences.rendered import VERSION_LABEL, find_differences, identify_object, read_live
from steps.install.differences.three_way import LAST_APPLIED
from steps.install.record.apply_requests import build_request
from steps.install.record.recording import Recorded, recall_recorded, record_apply
from steps.notes.prepare import measure_identity


def find_missing_objects(ctx: Context) -> tuple[str, ...] | Waiting | Blocked:
    """Objects of the record that are missing in the cluster or were last applied with other content."""
    identity = measure_identity(ctx)
    request = build_request(ctx, identity)
    recorded = recall_recorded(ctx, "target", request) or record_apply(ctx, "target", request)
    if not isinstance(recorded, Recorded):
        return recorded
    return find_unapplied(recorded.record, read_live(ctx.kubernetes, recorded.objects))


def find_unapplied(record: Record, live: Iterable[Manifest]) -> tuple[str, ...]:
    """The objects that are missing or were last applied with other content.

    kubectl keeps on each object what it applied; unlike the live fields that text is free of the server's defaults
    and spellings. An object without it is compared by its live fields. The release's label counts too: where nothing
    else of an object differs between two releases, it alone tells whether the new one got there. Leaves that are made
    anew at each rendering are another text by now.
    """
    known = {identify_object(item): item for item in live}
    wanted = ((made, identify_object(made.content)) for made in record.list_objects())
    return tuple(str(name) for made, name in wanted if not _is_applied(made, known.get(name), record.renewed))


def _is_applied(made: RecordedObject, here: Manifest | None, renewed: tuple[Leaf, ...]) -> bool:
    if here is None:
        return False
    wanted, applied = _blank(made, renewed), _blank(replace(made, text=write_canonically(_read_applied(here))), renewed)
    return _read_release(applied) == _read_release(wanted) and not find_differences(wanted, applied)


def _read_applied(here: Manifest) -> Manifest:
    text = (here["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    try:
        return read_table(text) if text else here
    except BadDocument:
        return here


def _blank(made: RecordedObject, renewed: tuple[Leaf, ...]) -> Manifest:
    """An object without what is made anew in it; one that lacks the place of such a leaf is as it is."""
    try:
        blanked: Manifest = json.loads(blank_leaves(made, renewed))
    except (KeyError, IndexError, TypeError):
        return made.content
    return blanked


def _read_release(made: Manifest) -> str:
    """The release that an object was handed over by."""
    return str((made["metadata"].get("labels") or {}).get(VERSION_LABEL, ""))
