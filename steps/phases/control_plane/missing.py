"""What the cluster lacks of the record after an apply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from steps.contract.documents import BadDocument, read_table
from steps.contract.ports import Manifest
from steps.contract.step import Blocked, Context, Waiting
from steps.install.record.apply_requests import build_request
from steps.install.record.recording import Recorded, recall_recorded, record_apply
from steps.install.record.rendered import VERSION_LABEL, find_differences, identify, read_live
from steps.install.record.three_way import LAST_APPLIED
from steps.notes.prepare import measure_identity


def find_missing_objects(ctx: Context) -> tuple[str, ...] | Waiting | Blocked:
    """Objects of the record that are missing in the cluster or were last applied with other content."""
    identity = measure_identity(ctx)
    request = build_request(ctx, identity)
    recorded = recall_recorded(ctx, "target", request) or record_apply(ctx, "target", request)
    if not isinstance(recorded, Recorded):
        return recorded
    objects = recorded.objects
    return find_unapplied(objects, read_live(ctx.kubernetes, objects))


def find_unapplied(objects: Sequence[Manifest], live: Iterable[Manifest]) -> tuple[str, ...]:
    """The objects that are missing or were last applied with other content.

    kubectl keeps on each object what it applied; unlike the live fields that text is free of the server's defaults
    and spellings. An object without it is compared by its live fields. The release's label counts too: where nothing
    else of an object differs between two releases, it alone tells whether the new one got there.
    """
    known = {identify(item): item for item in live}
    return tuple(str(identify(item)) for item in objects if not _is_applied(item, known.get(identify(item))))


def _is_applied(wanted: Manifest, here: Manifest | None) -> bool:
    if here is None:
        return False
    text = (here["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    try:
        applied = read_table(text) if text else here
    except BadDocument:
        applied = here
    return _read_release(applied) == _read_release(wanted) and not find_differences(wanted, applied)


def _read_release(made: Manifest) -> str:
    """The release that an object was handed over by."""
    return str((made["metadata"].get("labels") or {}).get(VERSION_LABEL, ""))
