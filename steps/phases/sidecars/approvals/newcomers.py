"""Workloads that need the sidecar and are in no approval: a later wave, with an approval of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from steps.contract.cards import APPROVE, APPROVE_HEALTHY, Choice
from steps.contract.step import Ask, Blocked, Context, Decision, Done, Outcome, Waiting
from steps.contract.wording import count_things
from steps.gates import WAVE, bind_workloads, read_workloads
from steps.notes.sidecars import APPROVED, read_refs
from steps.notes.way_back import name_sidecar
from steps.phases.sidecars.approvals.approved import list_dropped
from steps.phases.sidecars.approvals.broken import find_broken_before, offer_leaving
from steps.phases.sidecars.approvals.cards import build_plan_card
from steps.phases.sidecars.approvals.gates import find_all_worse, pass_sidecar_gate
from steps.phases.sidecars.approvals.planning import measure_plan
from steps.phases.sidecars.flights.tally import OPEN_STATES, Tally
from steps.preflight.acting import measure_to_act
from steps.workloads.waves import LATER, Planned, PlannedWorkload

LEAVE = Choice("deny", "Leave them out", "grave", needs_reason=True)
_APPROVING = (APPROVE.id, APPROVE_HEALTHY.id)


def meet_newcomers(ctx: Context, tally: Tally) -> Outcome | None:
    """Look for pods with an old sidecar that nobody decided about; None where there are none (any more)."""
    planned = measure_plan(ctx, tally, late=True)
    approved = read_refs(ctx, APPROVED)
    open_ones = [one for one in planned.workloads if tally.has_open(str(one.ref))]
    unknown = [one for one in open_ones if str(one.ref) not in approved]
    if not unknown:
        return Waiting("pods of approved workloads came back into scope", 0.0) if open_ones else None
    if _is_left_out(ctx):
        unknown = _leave_out(ctx, tally, unknown)
        if not unknown:
            return None
    identity = measure_to_act(ctx, "sidecars")
    if isinstance(identity, Blocked):
        return identity
    dropped = list_dropped(ctx, (str(one.ref) for one in unknown))
    ask = Ask(
        f"{count_things(len(unknown), 'workload')} with {name_sidecar(ctx)} {_describe_late(unknown, dropped)}. "
        "Re-inject too?",
        build_plan_card(ctx, planned, unknown, "Later wave"),
        bind_workloads(ctx, identity, unknown, LATER),
        (APPROVE, LEAVE),
        dropped,
    )
    ask = offer_leaving(ask, find_broken_before(planned, unknown, ctx.now))
    if not _covers_any(ctx.decision, unknown, planned):
        ctx = dataclasses.replace(ctx, decision=None)
    outcome = pass_sidecar_gate(ctx, ask, tally, planned)
    if not isinstance(outcome, Done):
        return outcome
    ctx.say(f"later wave: {outcome.sentence}")
    return Waiting("the later wave begins", 0.0)


def _describe_late(unknown: Sequence[PlannedWorkload], dropped: Sequence[str]) -> str:
    if not dropped:
        return "appeared after the approval"
    return f"{'changed' if len(dropped) == len(unknown) else 'appeared or changed'} after the approval"


def _covers_any(decision: Decision | None, unknown: Sequence[PlannedWorkload], planned: Planned) -> bool:
    """Whether a later wave's approval holds for any of these; what came or dropped out since needs another."""
    if decision is None or decision.choice not in _APPROVING or decision.binding.get(WAVE) != LATER:
        return False
    shown = read_workloads(decision.binding)
    worse = find_all_worse(shown, planned)
    return any(str(one.ref) in shown and str(one.ref) not in worse for one in unknown)


def _is_left_out(ctx: Context) -> bool:
    decision = ctx.decision
    return decision is not None and decision.choice == LEAVE.id and decision.binding.get(WAVE) == LATER


def _leave_out(ctx: Context, tally: Tally, unknown: Sequence[PlannedWorkload]) -> list[PlannedWorkload]:
    """List the pods as skipped by the person who decided so; the workloads that the decision was not about."""
    assert ctx.decision is not None
    refs = set(read_workloads(ctx.decision.binding)) or {str(one.ref) for one in unknown}
    tally.record(
        dataclasses.replace(entry, state="skipped", by=ctx.decision.by, reason=ctx.decision.reason or "left out")
        for entry in tally.list_all()
        if entry.workload in refs and entry.state in OPEN_STATES
    )
    return [one for one in unknown if str(one.ref) not in refs]
