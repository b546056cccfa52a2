"""Workloads whose owner takes the restart back: named once, and evicted instead where a person chooses so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from steps.contract.cards import Choice
from steps.contract.step import Context
from steps.mesh import Workload
from steps.notes.sidecars import EVICTED, TAKEN_BACK, TO_EVICT, add_refs, read_refs
from steps.phases.sidecars.approvals.approved import approve_method
from steps.phases.sidecars.flights.flight import Failing
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.recording import mark_entries
from steps.phases.sidecars.flights.tally import Tally, store_plan
from steps.workloads.holders import describe_holders, list_holders
from steps.workloads.method import EVICTABLE
from steps.workloads.owners import find_applier, find_operator
from steps.workloads.waves import PlannedWorkload

_API_VERSIONS: Mapping[str, str] = {"Rollout": "argoproj.io/v1alpha1"}
REMEDY = (
    "Let its owner restart it, and retry once its pods have moved; or have its pods evicted one by one, which changes"
    " nothing that the owner keeps."
)


def name_reverters(ctx: Context, tally: Tally, judged: Sequence[Judged]) -> list[Judged]:
    """Say who took each restart back; looked up when that is first seen."""
    named = [
        (flight, _name_reverter(ctx, tally, flight.planned, flight.workload, verdict))
        for flight, verdict in judged
        if isinstance(verdict, Failing) and verdict.taken_back
    ]
    add_refs(ctx, TAKEN_BACK, (str(flight.planned.ref) for flight, _ in named))
    found = {str(flight.planned.ref): verdict for flight, verdict in named}
    return [(flight, found.get(str(flight.planned.ref), verdict)) for flight, verdict in judged]


def _name_reverter(
    ctx: Context, tally: Tally, planned: PlannedWorkload, workload: Workload | None, verdict: Failing
) -> Failing:
    ref = planned.ref
    before = next((e.reason for e in tally.list_entries(str(ref)) if e.reason.startswith(f"{verdict.why}: ")), "")
    if before:
        return dataclasses.replace(verdict, why=before)
    found = ctx.kubernetes.read_object(_API_VERSIONS.get(ref.kind, "apps/v1"), ref.kind, ref.namespace, ref.name)
    told = [describe_holders(list_holders(found or {})), *(_list_owners(workload) if workload else ())]
    return dataclasses.replace(verdict, why=f"{verdict.why}: {'; '.join(told)}")


def _list_owners(workload: Workload) -> Iterator[str]:
    if operator := find_operator(workload.owner):
        yield f"{operator} owns it"
    if applier := find_applier(workload.labels, workload.annotations):
        yield f"it is applied by {applier}"


def list_evictable(ctx: Context, failed: Sequence[PlannedWorkload]) -> list[PlannedWorkload]:
    """Those of the failed workloads whose restart is taken back and whose pods may be evicted instead."""
    taken_back = read_refs(ctx, TAKEN_BACK)
    return [one for one in failed if str(one.ref) in taken_back and one.ref.kind in EVICTABLE and one.method != "evict"]


def offer_eviction(count: int) -> Choice:
    """The choice to evict their pods."""
    return Choice("evict", "Evict its pods" if count == 1 else f"Evict the pods of {count} workloads", confirm=REMEDY)


def settle_evicted(ctx: Context, tally: Tally) -> None:
    """Carry out the choice: pods of the workloads whose restart is taken back are evicted from now on."""
    decision = ctx.decision
    if decision is None or decision.choice != "evict":
        return
    failed = [one for one in tally.workloads if tally.has_failed(str(one.ref))]
    now = tuple(str(one.ref) for one in list_evictable(ctx, failed))
    refs = ctx.remember(TO_EVICT.of(ctx.step_id, ctx.generation), now)
    chosen = [one for one in list_evictable(ctx, failed) if str(one.ref) in refs]
    if not chosen:
        return
    add_refs(ctx, EVICTED, refs)
    approve_method(ctx, refs, "evict")
    changed = [dataclasses.replace(one, method="evict") for one in chosen]
    store_plan(ctx, changed)
    tally.revise(changed)
    for ref in refs:
        tally.record(mark_entries([e for e in tally.list_entries(ref) if e.state == "failed"], "pending", ""))
