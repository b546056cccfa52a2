"""A person's Skip: what was begun of a workload is taken back where nothing has moved, and its pods are listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from steps.contract.errors import GiveUp
from steps.contract.ledger import LedgerEntry
from steps.contract.step import Context
from steps.notes.sidecars import SKIPPED, list_stamps
from steps.phases.sidecars.flights.begun import describe_half_rolled, find_standing, find_way_back
from steps.phases.sidecars.flights.flight import Flight, settle_flight
from steps.phases.sidecars.flights.lookout import sight_flights
from steps.phases.sidecars.flights.recording import settle_ready
from steps.phases.sidecars.flights.settlement import close_entry
from steps.phases.sidecars.flights.tally import OPEN_STATES, Tally, recall_nodes
from steps.phases.sidecars.moving.taken_back import settle_evicted
from steps.workloads.inventory import is_finished
from steps.workloads.rollout import is_rolled_out
from steps.workloads.waves import PlannedWorkload

WENT_AWAY = "it has ended or is not there any more, and nothing was made in its place"


def settle_choice(ctx: Context, tally: Tally) -> None:
    """Carry out what a person chose about the failed workloads."""
    settle_skipped(ctx, tally)
    settle_evicted(ctx, tally)


def settle_skipped(ctx: Context, tally: Tally) -> None:
    """Carry out a Skip: replaced pods of the failed workloads count as upgraded, the others as skipped.

    The workloads are those that had failed when the decision was first seen; a later failure needs its own.
    """
    decision = ctx.decision
    if decision is None or decision.choice != "skip":
        return
    failing = tuple(str(one.ref) for one in tally.workloads if tally.has_failed(str(one.ref)))
    chosen = ctx.remember(SKIPPED.of(ctx.step_id, ctx.generation), failing)
    todo = [planned for planned in tally.workloads if str(planned.ref) in chosen and tally.has_open(str(planned.ref))]
    flights = [_describe_flight(ctx, tally, planned) for planned in todo]
    for flight in sight_flights(ctx, flights, checked=False).flights:
        undo_restart(ctx, flight)
        tally.record(skip_entries(ctx, flight, decision.by, decision.reason))


def settle_moved(ctx: Context, tally: Tally) -> None:
    """Skipped pods that were replaced all the same end as what stands in their place: a begun rollout goes on."""
    flights = [_describe_flight(ctx, tally, planned, ("skipped",)) for planned in tally.workloads]
    left = [flight for flight in flights if flight.entries]
    for flight in sight_flights(ctx, left, checked=False).flights:
        tally.record(settle_flight(flight, ctx.release, ctx.now, final=True))


def settle_left(ctx: Context, tally: Tally) -> None:
    """Pods that were left to a person and went away meanwhile count as gone, even if others of theirs remain."""
    left = [entry for entry in tally.list_all() if entry.state == "manual"]
    for space in sorted({entry.namespace for entry in left}):
        present = {pod.uid for pod in ctx.kubernetes.list_pods(space) if not is_finished(pod)}
        own = (entry for entry in left if entry.namespace == space and entry.uid not in present)
        tally.record(close_entry(entry, "gone", WENT_AWAY) for entry in own)


def _describe_flight(
    ctx: Context, tally: Tally, planned: PlannedWorkload, states: Collection[str] = OPEN_STATES
) -> Flight:
    entries = tally.list_entries(str(planned.ref))
    open_entries = tuple(entry for entry in entries if entry.state in states)
    nodes = recall_nodes(ctx, planned)
    return Flight(planned, open_entries, {entry.uid: entry for entry in entries}, nodes=nodes)


def undo_restart(ctx: Context, flight: Flight) -> None:
    """Take back what was begun of a skipped workload, or say that it stays begun and how to undo it."""
    workload, ref = flight.workload, str(flight.planned.ref)
    stamp = find_standing(workload, list_stamps(ctx, ref)) if workload else None
    if workload is None or stamp is None or is_rolled_out(workload):
        return
    before, refused = find_way_back(flight, stamp), ""
    if before is not None:
        try:
            ctx.kubernetes.withdraw_restart(workload.ref, before, workload.resource_version)
        except GiveUp as fault:
            refused = f" ({fault.why})"
        else:
            ctx.say(f"{ref}: its restart was taken back, no pod of it has moved")
            return
    ctx.say(f"{describe_half_rolled(workload).sentence}{refused}")


def skip_entries(ctx: Context, flight: Flight, by: str, reason: str) -> list[LedgerEntry]:
    """Where each open pod of a skipped workload ends."""
    settled = settle_ready(ctx, flight)
    done = {entry.uid for entry in settled}
    left = (entry for entry in flight.entries if entry.uid not in done)
    skipped = (
        dataclasses.replace(entry, state="skipped", by=by, reason=reason or entry.reason, evidence=entry.reason)
        for entry in left
    )
    return [*settled, *skipped]
