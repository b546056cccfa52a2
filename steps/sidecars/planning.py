"""The plan of the phase, measured anew whenever a person decides on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from steps.inventory import Finding, take_inventory
from steps.ledger import LedgerEntry, count_entries
from steps.mesh import WorkloadRef
from steps.sidecars.board import Board, read_board, store_plan
from steps.sidecars.cards import build_plan_card
from steps.sidecars.guard import find_injection_gap
from steps.sidecars.settlement import settle_entries
from steps.step import Context, Done, Outcome, Waiting
from steps.waves import Planned, plan_workloads

PATIENCE = timedelta(minutes=30)
LOOK_AGAIN = 5.0


def plan_sidecars(ctx: Context) -> Outcome:
    """Read every pod, decide what becomes of it, and open the ledger."""
    gap = find_injection_gap(ctx, settled=True)
    if gap:
        return Waiting(f"no sidecar is planned while {gap}", LOOK_AGAIN)
    planned = measure_plan(ctx)
    counts = count_entries(ctx.ledger.read_entries())
    moving = [one for one in planned.workloads if one.pods]
    sentence = (
        f"sidecars planned: {counts['pending']} pods in {len(moving)} workloads to re-inject, "
        f"{counts['manual']} manual, {counts['skipped']} skipped, {counts['upgraded']} already on {ctx.release.version}"
    )
    return Done(sentence, build_plan_card(ctx, planned, planned.workloads, "Sidecars planned"))


def measure_plan(ctx: Context) -> Planned:
    """Take the inventory, keep the plan, and bring the ledger up to it: new pods come in, replaced ones are settled."""
    inventory = take_inventory(ctx.kubernetes, ctx.release, ctx.options)
    planned = plan_workloads(inventory, ctx.options)
    board = read_board(ctx)
    ctx.ledger.record_entries(merge_entries(board, planned.entries))
    ctx.ledger.record_entries(_settle_replaced(ctx, board, inventory.group_by_workload()))
    store_plan(ctx, planned.workloads)
    return planned


def merge_entries(board: Board, entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """The entries to record: pods that are new in scope, and those whose way has changed since.

    A pod that is new and already on the target was made by the new injector and stays out: it is no one's to move.
    """
    known = {entry.uid: entry for entry in board.list_all()}
    first = not known
    return [entry for entry in entries if _is_news(entry, known.get(entry.uid), first)]


def _is_news(entry: LedgerEntry, old: LedgerEntry | None, first: bool) -> bool:
    if old is None:
        return first or entry.state != "upgraded"
    # a person's Skip and a failure are not undone by looking again
    return old.state in ("pending", "manual") and old != entry


def _settle_replaced(
    ctx: Context, board: Board, findings: Mapping[WorkloadRef, Sequence[Finding]]
) -> list[LedgerEntry]:
    """Entries whose pods were replaced meanwhile, by the cluster itself or by hand."""
    live = {str(ref): [finding.pod for finding in own] for ref, own in findings.items()}
    settled: list[LedgerEntry] = []
    for ref, known in board.entries.items():
        still = [entry for entry in known if entry.state in ("pending", "manual")]
        final = ref not in live
        settled.extend(settle_entries(still, known, live.get(ref, []), ctx.release, final=final))
    return settled
