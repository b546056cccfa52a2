"""An approval of the apply held against what would be handed over now: fewer removals and changes are covered."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from steps.contract.notes import Json, encode_note
from steps.contract.step import Ask, Context, Outcome
from steps.contract.wording import count_things
from steps.gates import BEYOND_GUIDE, CUT_OFF, FIELDS, FOREIGN_IMAGES, RECORD, REMOVALS, TO_THE_END, WAY_BACK, pass_gate
from steps.mesh import WorkloadRef
from steps.notes.prepare import choose_mtls, recall_mtls
from steps.notes.way_back import TAKEN_BACK, WayBack
from steps.preflight.outside import count_outside

# The parts of a binding of which fewer than were shown are covered.
BY_DIRECTION = (REMOVALS, FIELDS, FOREIGN_IMAGES, BEYOND_GUIDE, CUT_OFF)
# What other notes hold, or what only the approval itself is held against.
UNFRAMED = {*BY_DIRECTION, RECORD, TO_THE_END} - {CUT_OFF}


def frame_binding(binding: Mapping[str, Json]) -> dict[str, Json]:
    """What has to be equal, whatever is removed or changed, and who is cut off at most."""
    return {key: held for key, held in binding.items() if key not in UNFRAMED}


def find_cut_off(ctx: Context) -> Mapping[WorkloadRef, int] | None:
    """Who would be cut off now, with how many pods; None where STRICT is not what mTLS changes to."""
    wanted = choose_mtls(ctx)
    if wanted != "STRICT" or wanted == recall_mtls(ctx):
        return None
    return count_outside(ctx.kubernetes, ctx.release)


def bind_cut_off(outside: Mapping[WorkloadRef, int] | None) -> dict[str, Json]:
    """The workloads that an approval lets be cut off, never pods."""
    return {} if outside is None else {CUT_OFF: list(map(str, outside))}


def list_more_cut_off(shown: Mapping[str, Json], now: Mapping[str, Json]) -> tuple[str, ...]:
    """A sentence about the workloads that STRICT would cut off and that were not shown; none where none were bound."""
    more = sorted(_read_lines(now.get(CUT_OFF)) - _read_lines(shown.get(CUT_OFF))) if CUT_OFF in shown else []
    if not more:
        return ()
    return (f"STRICT would also cut off {count_things(len(more), 'workload')} without a sidecar: {', '.join(more)}",)


def bind_way_back(ctx: Context, way_back: WayBack | None) -> dict[str, Json]:
    """What the approval covers besides; a way back itself has none."""
    if way_back is None or ctx.recall(TAKEN_BACK) is not None:
        return {}
    return {WAY_BACK: encode_note(way_back)}


def pass_apply_gate(ctx: Context, ask: Ask) -> Outcome:
    """As `pass_gate`; where less is removed or changed than was shown, and all else is equal, it is covered."""
    decision = ctx.decision
    if decision is None or not decision.approves or not _is_covered(decision.binding, ask.binding):
        return pass_gate(ctx, ask)
    return pass_gate(dataclasses.replace(ctx, decision=dataclasses.replace(decision, digest=ask.digest)), ask)


def _is_covered(shown: Mapping[str, Json], now: Mapping[str, Json]) -> bool:
    unknown = {WAY_BACK, CUT_OFF} - shown.keys()
    free = dict.fromkeys((*BY_DIRECTION, *unknown, TO_THE_END))
    same = {**shown, **free} == {**now, **free}
    held = [key for key in BY_DIRECTION if key not in unknown]
    return same and all(_read_lines(now.get(key)) <= _read_lines(shown.get(key)) for key in held)


def _read_lines(kept: Json) -> frozenset[str]:
    return frozenset(str(line) for line in kept) if isinstance(kept, list | tuple) else frozenset()
