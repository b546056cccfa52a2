"""Writes what was judged into the ledger."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import assert_never

from steps.contract.ledger import EntryState, LedgerEntry
from steps.contract.step import Context
from steps.mesh import Pod
from steps.notes.sidecars import name_hold, start_clock
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
    settle_flight,
)
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.reasons import find_reason
from steps.phases.sidecars.flights.tally import Tally


def record_verdicts(ctx: Context, tally: Tally, judged: Iterable[Judged]) -> None:
    """Record what each verdict means for the workload's entries."""
    for flight, verdict in judged:
        match verdict:
            case Finished(entries=entries):
                tally.record(entries)
            case Failing():
                tally.record(fail_entries(ctx, flight, describe_failure(ctx, flight, verdict)))
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
    return () if flight.pods is None else settle_flight(flight, ctx.release, ctx.now, final=False)


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


def describe_failure(ctx: Context, flight: Flight, verdict: Failing) -> str:
    """Why the workload fails, with the nodes that are lost under its pods and the cluster's own words."""
    reason = find_reason(flight)
    told = not reason or reason in verdict.why or any(pod.name in verdict.why for pod in verdict.pods)
    parts = (verdict.why, describe_lost_nodes(ctx, verdict.pods), "" if told else reason)
    return "; ".join(part for part in parts if part)


def describe_lost_nodes(ctx: Context, pods: Iterable[Pod]) -> str:
    """`node N is not ready` or `is gone`, for the nodes of pods that don't end or whose containers alone are ready."""
    asked = {pod.node for pod in pods if pod.node and (pod.terminating or pod.ready >= pod.total)}
    if not asked:
        return ""
    ready = {node.name: node.ready for node in ctx.kubernetes.list_nodes()}
    lost = (name for name in sorted(asked) if not ready.get(name, False))
    return ", ".join(f"node {name} is {'not ready' if name in ready else 'gone'}" for name in lost)
