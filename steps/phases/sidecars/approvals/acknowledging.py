"""A person acknowledges the pods that keep their old sidecar; a shorter list than was shown is covered."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from steps.contract.cards import APPROVE, DENY, Choice
from steps.contract.ledger import LedgerEntry
from steps.contract.step import Ask, Context, Done, Outcome
from steps.contract.wording import Person, count_things
from steps.gates import bind_left, pass_gate, read_left
from steps.phases.sidecars.approvals.cards import build_left_card
from steps.phases.through import describe_through, recall_through


def ask_about_left(ctx: Context, entries: Sequence[LedgerEntry], left: Mapping[str, tuple[str, ...]]) -> Outcome:
    """Ask a person to acknowledge the pods that are left; Done once somebody has."""
    ask = Ask(
        f"{count_things(sum(map(len, left.values())), 'pod')} not re-injected and left to a person. Acknowledge?",
        build_left_card(ctx, entries, left),
        bind_left(left),
        (Choice(APPROVE.id, "Acknowledge", "main"), DENY),
    )
    return _pass_acknowledgement(ctx, ask)


def _pass_acknowledgement(ctx: Context, ask: Ask) -> Outcome:
    """As `pass_gate`; fewer pods left than were shown are acknowledged as well."""
    through = recall_through(ctx)
    if through is not None and (read_left(ask.binding) or frozenset()) <= set(through.left):
        return Done(describe_through(through, "what is left was acknowledged"))
    decision = ctx.decision
    shown = read_left(decision.binding) if decision else None
    if decision is None or shown is None:
        return pass_gate(dataclasses.replace(ctx, decision=None), ask) if decision else ask
    if decision.choice == APPROVE.id and (read_left(ask.binding) or frozenset()) <= shown:
        return Done(f"what is left was acknowledged by {Person(decision.by)}")
    return pass_gate(ctx, ask)
