"""The plan of the phase, measured again whenever a person decides on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from steps.contract.ledger import LedgerEntry, count_entries
from steps.contract.step import Context, Done, Outcome, Waiting
from steps.contract.wording import count_things
from steps.mesh import WorkloadRef
from steps.notes.sidecars import NODES, list_evicting
from steps.phases.sidecars.approvals.broken import leave_again
from steps.phases.sidecars.approvals.cards import build_plan_card
from steps.phases.sidecars.flights.guard import guard_restarts
from steps.phases.sidecars.flights.settlement import settle_entries
from steps.phases.sidecars.flights.tally import Tally, read_tally, store_plan
from steps.workloads.inventory import Finding, take_inventory
from steps.workloads.waves import LATER, Planned, PlannedWorkload, plan_workloads

PATIENCE = timedelta(minutes=30)
LOOK_AGAIN = 5.0


def plan_sidecars(ctx: Context) -> Outcome:
    """Read every pod, decide what becomes of it, and open the ledger."""
    guarded = guard_restarts(ctx, checked=False)
    if guarded.gap:
        return Waiting(f"no sidecar is planned while {guarded.gap}", LOOK_AGAIN)
    tally = read_tally(ctx)
    planned = measure_plan(ctx, tally)
    counts = count_entries(tally.list_all())
    moving = [one for one in planned.workloads if one.pods]
    sentence = (
        f"sidecars planned: {count_things(counts['pending'], 'pod')} in {count_things(len(moving), 'workload')} "
        f"to re-inject, "
        f"{counts['manual']} manual, {counts['skipped']} skipped, {counts['upgraded']} already on {ctx.release.version}"
    )
    return Done(sentence, build_plan_card(ctx, planned, planned.workloads, "Sidecars planned"))


def measure_plan(ctx: Context, tally: Tally, *, late: bool = False) -> Planned:
    """Take the inventory, keep the plan, and bring the ledger up to it: new pods come in, replaced ones are settled.

    `late` puts workloads that no earlier plan had into the later wave.
    """
    inventory = take_inventory(ctx.kubernetes, ctx.release, ctx.options)
    options = replace(ctx.options, evict_namespaces=list_evicting(ctx))
    planned = keep_waves(plan_workloads(inventory, options), tally, LATER if late else "")
    tally.record(merge_entries(tally, planned.entries))
    leave_again(tally, planned.workloads)
    tally.record(_settle_replaced(ctx, tally, inventory.group_by_workload()))
    store_plan(ctx, planned.workloads)
    return planned


def keep_waves(planned: Planned, tally: Tally, wave: str) -> Planned:
    """The plan with workloads in the waves that earlier plans put them into, new ones in `wave` unless it is ""."""
    earlier = {str(one.ref): one for one in tally.workloads}

    def choose_wave(ref: str, own: str) -> str:
        return earlier[ref].wave if ref in earlier else wave or own

    return replace(
        planned,
        workloads=tuple(
            _keep(replace(one, wave=choose_wave(str(one.ref), one.wave)), earlier) for one in planned.workloads
        ),
        entries=tuple(replace(one, wave=choose_wave(one.workload, one.wave)) for one in planned.entries),
    )


def _keep(one: PlannedWorkload, earlier: Mapping[str, PlannedWorkload]) -> PlannedWorkload:
    """A workload that has no pod to move any more stays as it was planned."""
    return one if one.pods else earlier.get(str(one.ref), one)


def merge_entries(tally: Tally, entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """The entries to record: pods that are new in scope, and those whose way has changed since.

    A pod that is new and already on the target was made by the new injector and stays out: nobody has to move it.
    """
    known = {entry.uid: entry for entry in tally.list_all()}
    first = not known
    return [entry for entry in entries if _is_news(entry, known.get(entry.uid), first)]


def _is_news(entry: LedgerEntry, old: LedgerEntry | None, first: bool) -> bool:
    if old is None:
        return first or entry.state != "upgraded"
    # a person's Skip and a failure are not undone by looking again
    return old.state in ("pending", "manual") and old != entry


def _settle_replaced(
    ctx: Context, tally: Tally, findings: Mapping[WorkloadRef, Sequence[Finding]]
) -> list[LedgerEntry]:
    """Entries whose pods were replaced meanwhile, by the cluster itself or by hand."""
    live = {str(ref): [finding.pod for finding in own] for ref, own in findings.items()}
    here = {pod.uid for pods in live.values() for pod in pods}
    settled: list[LedgerEntry] = []
    for ref in tally.list_refs():
        known = tally.list_entries(ref)
        # a pod that is here but belongs to another workload now (an orphan) has its own entry by that
        final = ref not in live
        still = [e for e in known if e.state in ("pending", "manual") and not (final and e.uid in here)]
        nodes = ctx.recall(NODES.of(ref)) or {}
        settled.extend(settle_entries(still, known, live.get(ref, []), ctx.release, final=final, nodes=nodes))
    return settled
