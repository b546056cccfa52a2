"""An approval of the apply held against what would be handed over now: fewer removals and changes are covered."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from steps.contract.notes import Json
from steps.contract.step import Ask, Context, Outcome
from steps.gates import pass_gate
from steps.phases.through import BOUND

# The parts of a binding of which fewer than were shown are covered.
BY_DIRECTION = ("removals", "fields", "foreign images", "objects beyond the guide")


def frame_binding(binding: Mapping[str, Json]) -> dict[str, Json]:
    """What has to be equal, whatever is removed or changed."""
    return {key: held for key, held in binding.items() if key not in (*BY_DIRECTION, "record", BOUND)}


def pass_apply_gate(ctx: Context, ask: Ask) -> Outcome:
    """As `pass_gate`; where less is removed or changed than was shown, and all else is equal, it is covered."""
    decision = ctx.decision
    if decision is None or not decision.approves or not _is_covered(decision.binding, ask.binding):
        return pass_gate(ctx, ask)
    return pass_gate(dataclasses.replace(ctx, decision=dataclasses.replace(decision, digest=ask.digest)), ask)


def _is_covered(shown: Mapping[str, Json], now: Mapping[str, Json]) -> bool:
    free = dict.fromkeys((*BY_DIRECTION, BOUND))
    same = {**shown, **free} == {**now, **free}
    return same and all(_read_lines(now.get(key)) <= _read_lines(shown.get(key)) for key in BY_DIRECTION)


def _read_lines(kept: Json) -> frozenset[str]:
    return frozenset(str(line) for line in kept) if isinstance(kept, list | tuple) else frozenset()
