"""An approval of the apply held against what would be handed over now: fewer removals and changes are covered."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from steps.contract.notes import Json, encode_note
from steps.contract.step import Ask, Context, Outcome
from steps.gates import pass_gate
from steps.notes.way_back import TAKEN_BACK, WayBack
from steps.phases.through import BOUND

# The parts of a binding of which fewer than were shown are covered.
BY_DIRECTION = ("removals", "fields", "foreign images", "objects beyond the guide")
# What the earlier release hands over, with which the approval covers the way back; earlier versions bound none.
WAY_BACK = "way back"


def frame_binding(binding: Mapping[str, Json]) -> dict[str, Json]:
    """What has to be equal, whatever is removed or changed."""
    return {key: held for key, held in binding.items() if key not in (*BY_DIRECTION, "record", BOUND)}


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
    unknown = () if WAY_BACK in shown else (WAY_BACK,)
    free = dict.fromkeys((*BY_DIRECTION, *unknown, BOUND))
    same = {**shown, **free} == {**now, **free}
    return same and all(_read_lines(now.get(key)) <= _read_lines(shown.get(key)) for key in BY_DIRECTION)


def _read_lines(kept: Json) -> frozenset[str]:
    return frozenset(str(line) for line in kept) if isinstance(kept, list | tuple) else frozenset()
