"""Who holds a workload's pod template by field manager, as the API server keeps it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from steps.contract.ports import Manifest

# The field manager of a restart, and those of Kubernetes' own controllers: no owner of a template.
NO_OWNERS = frozenset({"kubectl-rollout", "kube-controller-manager", "rollouts-controller"})
_TEMPLATE = ("spec", "template")
_STAMPS = (
    (*_TEMPLATE, "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"),
    ("spec", "restartAt"),
)
SHOWN = 3


@dataclass(frozen=True)
class Holder:
    """A field manager with fields of the template; `at` is when it last gained one, `stamps` where it set a restart."""

    manager: str
    at: str
    stamps: bool


def list_holders(manifest: Manifest) -> tuple[Holder, ...]:
    """Who may have taken a restart back: whoever set another stamp first, then the latest to gain a field."""
    found = sorted(_find_holders(manifest), key=lambda one: (one.stamps, one.at), reverse=True)
    return tuple({one.manager: one for one in reversed(found)}.values())[::-1]


class _Entry(Struct, frozen=True, rename={"fields": "fieldsV1"}):
    """What the API server keeps of one manager."""

    manager: str = ""
    time: str = ""
    fields: Mapping[str, Any] = {}


def _find_holders(manifest: Manifest) -> Iterator[Holder]:
    for entry in _read_entries(manifest):
        stamps = any(_holds(entry.fields, path) for path in _STAMPS)
        if entry.manager and entry.manager not in NO_OWNERS and (stamps or _holds(entry.fields, _TEMPLATE)):
            yield Holder(entry.manager, entry.time, stamps)


def _read_entries(manifest: Manifest) -> tuple[_Entry, ...]:
    try:
        return msgspec.convert((manifest.get("metadata") or {}).get("managedFields") or (), tuple[_Entry, ...])
    except (msgspec.ValidationError, AttributeError):
        return ()  # a server that keeps them otherwise names nobody


def _holds(fields: Mapping[str, Any], path: Sequence[str]) -> bool:
    here: Any = fields
    for key in path:
        if not isinstance(here, Mapping) or f"f:{key}" not in here:
            return False
        here = here[f"f:{key}"]
    return True


def describe_holders(holders: Sequence[Holder]) -> str:
    """Who it was, as far as the fields tell: an update that only removes fields leaves no trace."""
    if not holders:
        return "no field manager holds its template"
    if holders[0].stamps:
        return f"field manager {holders[0].manager} set another stamp ({holders[0].at})"
    named = ", ".join(f"{one.manager} (last gained a field {one.at})" for one in holders[:SHOWN])
    return f"its template is held by field manager {named}"
