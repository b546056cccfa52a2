"""The patch of an apply: what differs from the live object, and what the last apply had and this one hasn't."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def find_patch(live: Json, annotated: Json) -> Json:
    """Return what makes the live object as wanted, empty where it fits; three-way like kubectl's.

    Fields that the last apply set and this one doesn't are removed, fields set by others stay.
    """
    custom = is_custom(annotated["apiVersion"])
    gone = removals(_last_applied(live), annotated, strategic=not custom)
    return _joined(gone, differences(live, annotated, exact=custom))


def annotate(wanted: Json) -> Json:
    """Return the object with what is applied now in kubectl's annotation."""
    metadata = dict(wanted["metadata"])
    text = json.dumps(wanted, sort_keys=True, separators=(",", ":"))
    metadata["annotations"] = {**(metadata.get("annotations") or {}), LAST_APPLIED: text}
    return {**wanted, "metadata": metadata}


def is_custom(api_version: str) -> bool:
    """Tell whether the kind comes from a CustomResourceDefinition, which knows no strategic merge patch."""
    group = api_version.rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def differences(live: Any, wanted: Json, *, exact: bool = False) -> Json:
    """Return the part of `wanted` that `live` lacks or has different; a list that differs comes whole.

    `exact` lists have nothing beside what is wanted: the server puts no defaults into those of custom resources.
    """
    changed: Json = {}
    for key, value in wanted.items():
        here = live.get(key) if isinstance(live, dict) else None
        if isinstance(value, dict) and isinstance(here, dict):
            inner = differences(here, value, exact=exact)
            if inner:
                changed[key] = inner
        elif not (here == value if exact and isinstance(value, list) else contains(here, value)):
            changed[key] = value
    return changed


def contains(live: Any, wanted: Any) -> bool:
    """Tell whether everything in `wanted` is in `live`; the server's defaults may be there beside it."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(contains(live.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(live, list)
            and len(live) == len(wanted)
            and all(contains(have, want) for have, want in zip(live, wanted, strict=True))
        )
    # The server leaves empty text, false and nothing out of what it stores.
    return bool(live == wanted or (not live and not wanted))


def removals(last: Json, wanted: Json, *, strategic: bool) -> Json:
    """Return a patch that takes away what the last apply set and this one no longer names."""
    gone: Json = {}
    for key, value in last.items():
        here = wanted.get(key)
        if here is None:
            gone[key] = None
        elif isinstance(value, dict) and isinstance(here, dict):
            inner = removals(value, here, strategic=strategic)
            if inner:
                gone[key] = inner
        elif strategic and isinstance(value, list) and isinstance(here, list):
            entries = _entry_removals(value, here)
            if entries != here:
                gone[key] = entries
    return gone


def _entry_removals(last: list[Any], wanted: list[Any]) -> list[Any]:
    """Return a list of named entries with what takes away entries, and fields of entries, that are named no longer."""
    before, now = _named(last), _named(wanted)
    kept = [_joined(removals(before.get(_name(entry), {}), entry, strategic=True), entry)
            if _name(entry) in now else entry for entry in wanted]  # fmt: skip
    return [*kept, *({"name": name, "$patch": "delete"} for name in sorted(before.keys() - now.keys()))]


def _named(entries: list[Any]) -> dict[str, Json]:
    return {_name(entry): entry for entry in entries if _name(entry)}


def _name(entry: Any) -> str:
    return str(entry.get("name", "")) if isinstance(entry, dict) else ""


def _joined(first: Json, second: Json) -> Json:
    joined = dict(first)
    for key, value in second.items():
        here = joined.get(key)
        if isinstance(here, dict) and isinstance(value, dict):
            joined[key] = _joined(here, value)
        elif not isinstance(here, list):
            joined[key] = value
    return joined


def _last_applied(live: Json) -> Json:
    text = (live.get("metadata", {}).get("annotations") or {}).get(LAST_APPLIED, "{}")
    try:
        last = json.loads(text)
    except ValueError:
        return {}
    return last if isinstance(last, dict) else {}
