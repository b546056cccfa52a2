"""What a person has to know of a record besides what it changes: what is not looked at, and what stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

from steps.contract.step import Context
from steps.install.components import describe_missing
from steps.install.flags import find_idle_flags, list_set_flags
from steps.install.gateways import find_left_gateways
from steps.install.record.recording import Recorded, describe_rule
from steps.install.record.removals import Removal
from steps.notes.download import IMAGES


def list_doubts(
    ctx: Context, recorded: Recorded, earlier: Recorded | str, removals: Sequence[Removal]
) -> tuple[str, ...]:
    """Sentences without their full stop; `earlier` is one where the installed release could not be asked."""
    return (
        *([recorded.doubt] if recorded.doubt else []),
        *([earlier] if isinstance(earlier, str) else []),
        *find_idle_flags(list_set_flags(recorded.request.arguments)),
        *_describe_unread(recorded),
        *describe_missing(one.switched_off for one in removals),
        *_name_left_gateways(ctx, {one.name for one in removals}),
    )


def _describe_unread(recorded: Recorded) -> tuple[str, ...]:
    if not recorded.unread:
        return ()
    rules = "; ".join(describe_rule(one) for one in recorded.unread)
    return (f"Kinds of other products could not be looked through ({rules})",)


def _name_left_gateways(ctx: Context, removals: set[str]) -> tuple[str, ...]:
    """What has a proxy of its own and is neither handed over nor removed."""
    plane = ctx.kubernetes.list_workloads(ctx.release.namespace)
    gone = {str(one.ref) for one in plane if f"{one.ref.kind} {one.ref.namespace}/{one.ref.name}" in removals}
    return find_left_gateways(plane, {*(ctx.recall(IMAGES) or {}), *gone}, ctx.release)
