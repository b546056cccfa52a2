"""The gate of another mTLS mode than the one in force."""

from __future__ import annotations

from collections.abc import Mapping

from steps.contract.cards import Detail
from steps.contract.step import Ask, Context, Done, Outcome
from steps.contract.wording import count_things
from steps.gates import ask_again, bind_mtls_change, build_gate_card
from steps.mesh import WorkloadRef
from steps.notes.prepare import choose_mtls, measure_identity, recall_mtls
from steps.phases.control_plane.direction import bind_cut_off, find_cut_off, pass_apply_gate

# How many workloads a sentence names; a fold has them all.
NAMED = 5


def approve_mtls(ctx: Context) -> Outcome:
    """Ask on its own about another mTLS mode than the one in force; nothing to ask where it stays."""
    now, wanted = recall_mtls(ctx), choose_mtls(ctx)
    if now == wanted:
        return Done("")
    identity = measure_identity(ctx)
    outside = find_cut_off(ctx)
    risk = "Workloads will take plain text again." if outside is None else describe_cut_off(outside)
    summary = (f"mTLS changes from {now} to {wanted}.",)
    card = build_gate_card(ctx, identity, "Change of mTLS", summary, risks=(risk,), details=fold_cut_off(outside))
    binding = {**bind_mtls_change(ctx, identity), **bind_cut_off(outside)}
    ask = Ask(f"Change {ctx.cluster.key} from {now} to {wanted} mTLS?", card, binding)
    return pass_apply_gate(ctx, ask if outside is None else ask_again(ask, count_cut_off(ctx, outside)))


def fold_cut_off(outside: Mapping[WorkloadRef, int] | None) -> tuple[Detail, ...]:
    """All of them by name, with their pods."""
    lines = tuple(f"{ref}: {count_things(n, 'pod')}" for ref, n in (outside or {}).items())
    return (Detail("Without a sidecar", lines),) if lines else ()


def describe_cut_off(outside: Mapping[WorkloadRef, int]) -> str:
    """Who can no longer reach the workloads of the mesh, by name."""
    probes = "probes from outside the mesh"
    if not outside:
        return f"Every workload that runs has a sidecar; {probes} can no longer reach those of the mesh."
    named, more = ", ".join(list(map(str, outside))[:NAMED]), len(outside) - NAMED
    count = count_things(len(outside), "workload")
    others = f" and {more} more, named below" if more > 0 else ""
    return f"Cut off from those inside the mesh, as they have no sidecar, are {count}: {named}{others}; {probes} too."


def count_cut_off(ctx: Context, outside: Mapping[WorkloadRef, int]) -> str:
    """What STRICT does, in one question with its numbers."""
    counted = f"{count_things(len(outside), 'workload')} ({count_things(sum(outside.values()), 'pod')})"
    lost = f"which cuts off {counted} without a sidecar" if outside else "where every workload that runs has a sidecar"
    return f"Change {ctx.cluster.key} to STRICT mTLS, {lost}?"
