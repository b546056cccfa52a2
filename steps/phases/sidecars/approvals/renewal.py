"""An approval that became too old while the waves moved: asked again for what has not begun."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from steps.contract.cards import APPROVE
from steps.contract.step import Ask, Blocked, Context, Outcome
from steps.contract.wording import count_things
from steps.gates import WAVE, bind_workloads, pass_gate, read_workloads
from steps.notes.sidecars import RENEWED
from steps.phases.sidecars.approvals.approved import keep_approved_workloads
from steps.phases.sidecars.approvals.cards import build_plan_card
from steps.phases.sidecars.approvals.planning import measure_plan
from steps.phases.sidecars.flights.tally import Tally
from steps.preflight.acting import measure_to_act

# no namespace can bear this name
RENEWAL = "approved anew"


def ask_to_go_on(ctx: Context, tally: Tally, refs: Sequence[str], ended: datetime) -> Outcome:
    """Ask about what was approved and has not been moved, as it is now."""
    identity = measure_to_act(ctx, "sidecars")
    if isinstance(identity, Blocked):
        return identity
    planned = measure_plan(ctx, tally)
    left = [one for one in planned.workloads if str(one.ref) in refs and tally.has_open(str(one.ref))]
    ask = Ask(
        f"Go on with {count_things(len(left), 'workload')} whose approval is too old?",
        build_plan_card(ctx, planned, left, "Sidecars, approved anew"),
        bind_workloads(ctx, identity, left, RENEWAL),
        moved=(f"its approval counted until {ended:%Y-%m-%d %H:%M} UTC",),
    )
    decision = ctx.decision
    if decision is not None and decision.choice != APPROVE.id and decision.binding.get(WAVE) == RENEWAL:
        return pass_gate(ctx, ask)
    return ask


def keep_renewed(ctx: Context) -> None:
    """What was approved anew holds as it stood on that card; taken over once, as workloads may drop out again."""
    decision = ctx.decision
    if decision is None or decision.choice != APPROVE.id or decision.binding.get(WAVE) != RENEWAL:
        return
    if ctx.recall(RENEWED) != ctx.generation:
        ctx.revise(RENEWED, ctx.generation)
        keep_approved_workloads(ctx, read_workloads(decision.binding))
