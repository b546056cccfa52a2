"""Writes what was judged into the ledger."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import assert_never

from steps.contract.ledger import EntryState, LedgerEntry
from steps.contract.step import Context
from steps.mesh import Pod
from steps.notes.sidecars import name_hold, start_clock
from steps.phases.sidecars.flights.actions import Judged
from steps.phases.sidecars.flights.flight import (
    Changed,
    Discovered,
    Failing,
    Finished,
    Flight,
    Held,
    Misinjected,
    Ready,
    Underway,
)
from steps.phases.sidecars.flights.reasons import find_reason
from steps.phases.sidecars.flights.settlement import settle_entries
from steps.phases.sidecars.flights.tally import Tally
from steps.workloads.inventory import is_live


def record_verdicts(ctx: Context, tally: Tally, judged: Iterable[Judged]) -> None:
    """Record what each verdict means for the workload's entries."""
    for flight, verdict in judged:
        match verdict:
            case Finished(entries=entries):
                tally.record(entries)
            case Failing():
                tally.record(fail_entries(ctx, flight, describe_failure(flight, verdict)))
            case Held():
                tally.record(mark_entries(flight.entries, "pending", ""))
                if not flight.begun:
                    start_clock(ctx, name_hold(ctx, str(flight.planned.ref)))
            case Underway() | Ready() | Changed():
                tally.record(mark_entries(flight.entries, "pending", ""))
            case Discovered(pods=pods):
                tally.record(open_entries(flight, pods, "pending", ""))
            case Misinjected(pods=pods):
                tally.record(open_entries(flight, pods, "failed", "made with another sidecar"))
            case _:
                assert_never(verdict)


def fail_entries(ctx: Context, flight: Flight, reason: str) -> list[LedgerEntry]:
    """Pods of a failing workload that were replaced count as upgraded, the others as failed."""
    settled = settle_ready(ctx, flight)
    done = {entry.uid for entry in settled}
    left = [entry for entry in flight.entries if entry.uid not in done]
    return [*settled, *mark_entries(left, "failed", reason)]


def settle_ready(ctx: Context, flight: Flight) -> tuple[LedgerEntry, ...]:
    """The open entries that have a ready replacement."""
    if flight.pods is None:
        return ()
    live = [pod for pod in flight.pods if is_live(pod)]
    return settle_entries(flight.entries, flight.known.values(), live, ctx.release, final=False, ready_only=True)


def mark_entries(entries: Sequence[LedgerEntry], state: EntryState, reason: str) -> list[LedgerEntry]:
    """Those of the entries that change by taking this state and reason."""
    return [
        dataclasses.replace(entry, state=state, reason=reason)
        for entry in entries
        if (entry.state, entry.reason) != (state, reason)
    ]


def open_entries(flight: Flight, pods: Iterable[Pod], state: EntryState, reason: str) -> list[LedgerEntry]:
    """Entries for pods of an approved workload that came into scope later."""
    ref, wave = str(flight.planned.ref), flight.planned.wave
    return [LedgerEntry(pod.uid, pod.namespace, pod.name, ref, state, wave, reason) for pod in pods]


def describe_failure(flight: Flight, verdict: Failing) -> str:
    """Why the workload fails, with the cluster's own words."""
    reason = find_reason(flight)
    told = not reason or reason in verdict.why or any(pod.name in verdict.why for pod in verdict.pods)
    return verdict.why if told else f"{verdict.why}; {reason}"
