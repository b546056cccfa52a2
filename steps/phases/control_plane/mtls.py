"""The gate of another mTLS mode than the one in force."""

from __future__ import annotations

from collections.abc import Mapping

from steps.contract.cards import Detail
from steps.contract.step import Ask, Context, Done, Outcome
from steps.contract.wording import count_things
from steps.gates import ask_again, bind_mtls_change, build_gate_card, pass_gate
from steps.mesh import WorkloadRef
from steps.notes.prepare import choose_mtls, measure_identity, recall_mtls
from steps.preflight.outside import count_outside

# How many workloads a sentence names; a fold has them all.
NAMED = 5


def approve_mtls(ctx: Context) -> Outcome:
    """Ask on its own about another mTLS mode than the one in force; nothing to ask where it stays."""
    now, wanted = recall_mtls(ctx), choose_mtls(ctx)
    if now == wanted:
        return Done("")
    identity = measure_identity(ctx)
    outside = count_outside(ctx.kubernetes, ctx.release) if wanted == "STRICT" else {}
    risk = describe_cut_off(outside) if wanted == "STRICT" else "Workloads will take plain text again."
    fold = Detail("Without a sidecar", tuple(f"{ref}: {count_things(n, 'pod')}" for ref, n in outside.items()))
    summary = (f"mTLS changes from {now} to {wanted}.",)
    card = build_gate_card(
        ctx, identity, "Change of mTLS", summary, risks=(risk,), details=(fold,) if outside else ()
    )  # fmt: skip
    ask = Ask(f"Change {ctx.cluster.key} from {now} to {wanted} mTLS?", card, bind_mtls_change(ctx, identity))
    return pass_gate(ctx, ask_again(ctx, ask, count_cut_off(ctx, outside)) if wanted == "STRICT" else ask)


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
