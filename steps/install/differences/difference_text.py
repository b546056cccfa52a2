"""Differences as a file for any diff tool: whole fields, key by key, never cut. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from difflib import unified_diff

from steps.install.differences.three_way import FieldChange

LIVE, HANDED = "in the cluster", "as handed over"
HIDDEN = "(what a Secret holds is not shown)"


def write_changes(changes: Iterable[FieldChange]) -> Iterator[str]:
    """The lines of a unified diff, a part for each field; its head names object and field."""
    for change in changes:
        name = f"{change.object} {change.where}"
        before, after = _split(change, change.before), _split(change, change.after)
        if before == after:
            yield f"# {name}: {change.kind}"
        yield from unified_diff(before, after, f"{name} ({LIVE})", f"{name} ({HANDED})", lineterm="")


def _split(change: FieldChange, value: object) -> list[str]:
    if value is None:
        return []
    if change.object.kind == "Secret":
        return [HIDDEN]
    if isinstance(value, str):
        return value.splitlines() or ['""']
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=str).splitlines()
