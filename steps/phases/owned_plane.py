"""A control plane that has an owner is not upgraded unless an approver takes that upon themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from steps.contract.cards import DENY, Choice
from steps.contract.checks import Check, warned
from steps.contract.step import Blocked, Context, Outcome
from steps.contract.wording import Person
from steps.notes.prepare import OWNERS_ACCEPTED, OWNERS_SHOWN, PROPOSAL_LINES
from steps.preflight.acting import measure_to_act
from steps.preflight.ownership import find_ownership

ACCEPT = Choice("accept", "Upgrade it all the same", "grave", needs_reason=True)
REMEDY = (
    "What the owner keeps it will put back after the apply, maybe half of it. Upgrade by the owner instead, or let it"
    " rest first (scale the operator to 0, pause the sync) and retry. An approver may go on, with a reason."
)


def take_acceptance(ctx: Context) -> Context:
    """Keep an approver's acceptance of the owners that were shown; what it was given for is then decided anew."""
    decision = ctx.decision
    if decision is None or decision.choice != ACCEPT.id:
        return ctx
    reason = f"accepted by {Person(decision.by)}: {decision.reason}"
    shown, before = ctx.recall(OWNERS_SHOWN), ctx.recall(OWNERS_ACCEPTED)
    ctx.revise(OWNERS_ACCEPTED, {**(before or {}), **dict.fromkeys(shown or (), reason)})
    return dataclasses.replace(ctx, decision=None)


def refuse_owners(ctx: Context, owners: Sequence[str]) -> Blocked | None:
    """Blocked where somebody keeps the control plane whom nobody accepted; a mere proposal only tells of them."""
    accepted = ctx.recall(OWNERS_ACCEPTED) or {}
    left = [owner for owner in owners if owner not in accepted]
    denied = ctx.decision is not None and ctx.decision.choice == DENY.id
    if not left or denied or ctx.recall(PROPOSAL_LINES) is not None:
        return None
    ctx.revise(OWNERS_SHOWN, tuple(left))
    return Blocked(f"the control plane has an owner: {'; '.join(left)}", REMEDY, (ACCEPT,))


def refuse_to_write(ctx: Context) -> Blocked | None:
    """Why the control plane may not be touched now, None where it may."""
    found = measure_to_act(ctx, "control plane")
    return found if isinstance(found, Blocked) else refuse_owned(ctx)


def refuse_owned(ctx: Context) -> Blocked | None:
    """As `refuse_owners`, by a look at the cluster as it is now."""
    ctx = take_acceptance(ctx)
    plane = ctx.kubernetes.list_workloads(ctx.release.namespace)
    return refuse_owners(ctx, find_ownership(ctx.kubernetes, ctx.release, plane).owners)


def on_unowned(run: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    """The step, for a control plane that nobody else keeps or whose owner an approver accepts."""

    def look(ctx: Context) -> Outcome:
        ctx = take_acceptance(ctx)
        return refuse_owned(ctx) or run(ctx)

    return look


def describe_owners(ctx: Context, owners: Sequence[str]) -> tuple[Check, ...]:
    """The owners as the proposal shows them, with who accepted them."""
    accepted = ctx.recall(OWNERS_ACCEPTED) or {}
    return tuple(
        warned("control plane's owner", f"{owner} ({accepted[owner]})" if owner in accepted else owner)
        for owner in owners
    )
