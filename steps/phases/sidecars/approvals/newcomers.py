"""Workloads that need the sidecar and were in no approval: a later wave, with an approval of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from steps.contract.cards import APPROVE, Choice
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.contract.wording import count_things
from steps.gates import bind_workloads
from steps.notes.prepare import measure_identity
from steps.notes.sidecars import APPROVED, add_refs, read_refs
from steps.phases.sidecars.approvals.cards import build_plan_card
from steps.phases.sidecars.approvals.gates import list_approved, pass_sidecar_gate
from steps.phases.sidecars.approvals.planning import measure_plan
from steps.phases.sidecars.flights.tally import OPEN_STATES, Tally
from steps.workloads.waves import LATER, PlannedWorkload

LEAVE = Choice("deny", "Leave them out", "grave", needs_reason=True)


def meet_newcomers(ctx: Context, tally: Tally) -> Outcome | None:
    """Look for pods with an old sidecar that nobody decided about; None where there are none (any more)."""
    planned = measure_plan(ctx, tally, late=True)
    approved = read_refs(ctx, APPROVED)
    open_ones = [one for one in planned.workloads if tally.has_open(str(one.ref))]
    unknown = [one for one in open_ones if str(one.ref) not in approved]
    if not unknown:
        return Waiting("pods of approved workloads came back into scope", 0.0) if open_ones else None
    if _is_left_out(ctx):
        _leave_out(ctx, tally, unknown)
        return None
    ask = Ask(
        f"{count_things(len(unknown), 'workload')} with an old sidecar appeared after the approval. Re-inject too?",
        build_plan_card(ctx, planned, unknown, "Later wave"),
        bind_workloads(ctx, measure_identity(ctx), unknown, LATER),
        (APPROVE, LEAVE),
    )
    if ctx.decision is not None and "workloads" not in ctx.decision.binding:
        ctx = dataclasses.replace(ctx, decision=None)
    outcome = pass_sidecar_gate(ctx, ask)
    if not isinstance(outcome, Done):
        return outcome
    add_refs(ctx, APPROVED, list_approved(ctx.decision, unknown))
    ctx.say(f"later wave: {outcome.sentence}")
    return Waiting("the later wave begins", 0.0)


def _is_left_out(ctx: Context) -> bool:
    decision = ctx.decision
    return decision is not None and decision.choice == LEAVE.id and decision.binding.get("wave") == LATER


def _leave_out(ctx: Context, tally: Tally, unknown: Sequence[PlannedWorkload]) -> None:
    """List the pods as skipped by the person who decided so."""
    assert ctx.decision is not None
    refs = set(list_approved(ctx.decision, unknown))
    tally.record(
        dataclasses.replace(entry, state="skipped", by=ctx.decision.by, reason=ctx.decision.reason or "left out")
        for entry in tally.list_all()
        if entry.workload in refs and entry.state in OPEN_STATES
    )
