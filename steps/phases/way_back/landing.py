"""The end of an upgrade that is taken back: what runs is let end, and its rights are given back."""

from __future__ import annotations

from steps.contract.errors import GiveUp
from steps.contract.step import Context, Done, Outcome, Step
from steps.contract.wording import Person
from steps.notes.way_back import ORDERED_RETURN
from steps.phases.abort import PATIENCE, hand_back


def land(ctx: Context) -> Outcome:
    """Let a program that runs come to its end: the way back begins from a control plane that nothing writes to."""
    ordered = ctx.recall(ORDERED_RETURN)
    if ordered is None:
        raise GiveUp("nobody is known who wants it taken back", "This is a fault of the bot; abort ends the upgrade.")
    outcome = hand_back(ctx, "taking back")
    if not isinstance(outcome, Done):
        return outcome
    told = f"; {outcome.sentence}" if outcome.sentence else ""
    return Done(f"taken back by {Person(ordered.by)}: {ordered.reason}{told}")


STEPS: tuple[Step, ...] = (Step("landing/land", land, PATIENCE),)
