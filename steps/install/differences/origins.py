"""Whose a difference is: a person's edit since the last install, or an option that this apply was not given. Pure.

Three comparisons part them. The earlier release's record for the recovered options against the new one's is the
release's own change; live against what was last applied is an edit by hand; what is left was handed over by the last
apply and would not be by the earlier release for the recovered options: an option that nobody asked for again.
"""

from __future__ import annotations

from steps.contract.ports import Manifest
from steps.install.differences.three_way import (
    MISSING,
    FieldChange,
    Origin,
    find_value,
    is_same_value,
    read_last_applied,
)


def tell_origin(change: FieldChange, live: Manifest, earlier: Manifest | None) -> Origin:
    """Whose it is; "unknown" where the object says nothing of its last apply, or where only that is known."""
    last = read_last_applied(live)
    if not last:
        return "unknown"
    applied, now = find_value(last, change.path), MISSING if change.kind == "added" else change.before
    if not _is_same(applied, now, change.path[-1]):
        return "edit"
    return "option" if earlier is not None else "unknown"


def _is_same(applied: object, now: object, field: str) -> bool:
    if applied is MISSING or now is MISSING:
        return applied is now or is_same_value(None if applied is MISSING else applied, None if now is MISSING else now)
    return is_same_value(applied, now, field)
