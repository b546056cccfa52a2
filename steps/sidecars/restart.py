"""The acting steps of the phase: the canary, the waves, and what is left to a person."""

from __future__ import annotations

from steps.ledger import count_entries
from steps.sidecars.board import read_board
from steps.sidecars.cards import attach_ledger, describe_ledger, list_left
from steps.sidecars.gates import read_approved
from steps.sidecars.planning import measure_plan
from steps.sidecars.wave import Settled, move_wave
from steps.step import APPROVE, DENY, Ask, Card, Choice, Context, Detail, Done, Outcome, pass_gate

LINES_SHOWN = 20


def restart_canary(ctx: Context) -> Outcome:
    """Re-inject the canary namespaces."""
    refs = read_approved(ctx, read_board(ctx), canary=True)
    moved = move_wave(ctx, refs)
    return Done(_describe_moved(ctx, refs)) if isinstance(moved, Settled) else moved


def restart_waves(ctx: Context) -> Outcome:
    """Re-inject everything else that was approved."""
    refs = read_approved(ctx, read_board(ctx), canary=False)
    moved = move_wave(ctx, refs)
    if not isinstance(moved, Settled):
        return moved
    entries = ctx.ledger.read_entries()
    return Done(_describe_moved(ctx, refs), attachments=(attach_ledger(entries),))


def _describe_moved(ctx: Context, refs: tuple[str, ...]) -> str:
    own = [entry for entry in ctx.ledger.read_entries() if entry.workload in refs]
    counts = count_entries(own)
    moved = counts["upgraded"]
    rest = "".join(f", {counts[state]} {state}" for state in ("manual", "skipped", "gone") if counts[state])
    return f"{moved}/{len(own) - counts['gone']} pods re-injected with {ctx.release.version}{rest}"


def acknowledge_left(ctx: Context) -> Outcome:
    """Ask a person to acknowledge each pod that keeps its old sidecar; nothing to ask where there is none."""
    measure_plan(ctx)
    entries = ctx.ledger.read_entries()
    left = list_left(entries)
    summary = describe_ledger(entries)
    if not left:
        return Done(f"no pod is left on an old sidecar: {summary}", attachments=(attach_ledger(entries),))
    shown = list(left.items())[:LINES_SHOWN]
    more = (f"and {len(left) - LINES_SHOWN} more workloads, see the ledger",) if len(left) > LINES_SHOWN else ()
    ask = Ask(
        f"{sum(map(len, left.values()))} pods keep an old sidecar. Acknowledge?",
        Card(
            title=f"Left to a person: {ctx.cluster.key}",
            summary=(summary, *more),
            details=tuple(Detail(ref, lines[:LINES_SHOWN]) for ref, lines in shown),
        ),
        {"left": sorted(left)},
        (Choice(APPROVE.id, "Acknowledge", "primary"), DENY),
    )
    outcome = pass_gate(ctx, ask)
    return Done(outcome.sentence, attachments=(attach_ledger(entries),)) if isinstance(outcome, Done) else outcome

