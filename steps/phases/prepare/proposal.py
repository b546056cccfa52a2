"""The end of an upgrade that can only be proposed: the card that says what it would do and what it lacks."""

from __future__ import annotations

from dataclasses import replace

from steps.contract.cards import Detail
from steps.contract.step import Context, Done, Outcome, Step
from steps.contract.wording import Command
from steps.notes.prepare import PROPOSAL_LINES, recall_source
from steps.phases.prepare.phase import build_proposal
from steps.workloads.inventory import take_inventory
from steps.workloads.waves import plan_workloads

WHY = "is not in clusters.toml, so nobody can approve"


def post_proposal(ctx: Context) -> Outcome:
    """Post what an upgrade would do, and what to add to clusters.toml before one can be started."""
    card = build_proposal(ctx, plan_workloads(take_inventory(ctx.kubernetes, ctx.release, ctx.options), ctx.options))
    lines = ctx.recall(PROPOSAL_LINES) or ()
    key = ctx.cluster.key
    summary = (
        *card.summary,
        f"This is a proposal only: {key} was found in GKE and {WHY} it.",
        "To make it an upgrade, add the lines below to clusters.toml, restart the bot, and "
        f"{Command(f'start {key}')} again.",
    )
    return Done(
        f"proposal only: {key} from {recall_source(ctx)} to {ctx.release.version}; it {WHY} it",
        replace(card, title=f"Proposal: {card.title}", summary=summary, snippet=Detail("Add to clusters.toml", lines)),
    )


STEPS = (Step("proposal/post", post_proposal),)
