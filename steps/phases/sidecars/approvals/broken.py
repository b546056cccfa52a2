"""Workloads that were broken before: a person may approve all but those, and how to do them later is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta

from steps.contract.cards import APPROVE_HEALTHY
from steps.contract.ledger import LedgerEntry
from steps.contract.notes import read_as
from steps.contract.step import Ask, Context
from steps.gates import BROKEN
from steps.phases.sidecars.flights.tally import OPEN_STATES, Tally
from steps.workloads.around import NOT_READY
from steps.workloads.method import name_later_command
from steps.workloads.waves import Planned, PlannedWorkload

LEFT_ALONE = "left alone: "
SHOWN = 10
# A pod that only starts is not broken.
BROKEN_AFTER = timedelta(minutes=5)


def find_broken_before(planned: Planned, moving: Iterable[PlannedWorkload], now: datetime) -> Mapping[str, str]:
    """By id, what has been broken for a while of the workloads that are to be moved, and since when."""
    return {
        str(one.ref): risk.fact
        for one in moving
        for risk in planned.risks.get(one.ref, ())
        if risk.kind == NOT_READY and risk.since is not None and now - risk.since >= BROKEN_AFTER
    }


def offer_leaving(ask: Ask, broken: Mapping[str, str]) -> Ask:
    """The question with the choice to approve all but the broken workloads; as it is where there are none."""
    if not broken:
        return ask
    choice = replace(APPROVE_HEALTHY, label=f"Approve all but {len(broken)} not ready")
    told = (
        f"“{choice.label}” leaves alone what was not ready before: {_list_some(tuple(broken))}. "
        "It is listed as skipped, with the command that does it later."
    )
    first, *others = ask.choices
    card = replace(ask.card, summary=(*ask.card.summary, told))
    return replace(ask, card=card, choices=(first, choice, *others), binding={**ask.binding, BROKEN: dict(broken)})


def leave_broken(ctx: Context, tally: Tally, planned: Planned) -> Set[str]:
    """Skip the pods of the workloads that the card named as broken, if a person chose that; answers their ids."""
    decision = ctx.decision
    if decision is None or decision.choice != APPROVE_HEALTHY.id:
        return frozenset()
    broken = _read_broken(decision.binding.get(BROKEN) or {})
    for one in planned.workloads:
        if str(one.ref) in broken:
            _leave(tally, one, decision.by, f"{LEFT_ALONE}{broken[str(one.ref)]}")
    return broken.keys()


def leave_again(tally: Tally, workloads: Iterable[PlannedWorkload]) -> None:
    """Skip pods that came later of a workload that a person left alone: the choice was about all of it."""
    for one in workloads:
        left = next((entry for entry in tally.list_entries(str(one.ref)) if _is_left_alone(entry)), None)
        if left is not None:
            _leave(tally, one, left.by, left.reason)


def _leave(tally: Tally, one: PlannedWorkload, by: str, reason: str) -> None:
    tally.record(
        replace(
            entry, state="skipped", by=by, reason=reason, command=name_later_command(one.ref, one.method, entry.pod)
        )
        for entry in tally.list_entries(str(one.ref))
        if entry.state in OPEN_STATES
    )


def _is_left_alone(entry: LedgerEntry) -> bool:
    return entry.state == "skipped" and entry.reason.startswith(LEFT_ALONE)


_read_broken = read_as(dict[str, str])


def _list_some(refs: Sequence[str]) -> str:
    return ", ".join(refs[:SHOWN]) + (f" and {len(refs) - SHOWN} more" if len(refs) > SHOWN else "")
