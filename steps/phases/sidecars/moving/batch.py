"""Carries out the batch of a turn: one call after the other, what is refused put off for its workload alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from steps.contract.errors import GiveUp, TryAgain
from steps.contract.step import Context
from steps.mesh import DisruptionBudget, EvictionRefused
from steps.notes.sidecars import (
    GKE_WORK,
    NODES,
    GkeWork,
    forget_refusals,
    is_put_off,
    name_clock,
    note_sent,
    put_off,
    stamp_workload,
    start_clock,
)
from steps.phases.sidecars.approvals.approved import drop_out
from steps.phases.sidecars.flights.flight import Flight
from steps.phases.sidecars.flights.guard import Guarded, guard_restarts
from steps.phases.sidecars.flights.moves import (
    CALLS_A_TURN,
    Begin,
    Evict,
    Judged,
    Move,
    Restamp,
    RestartAgain,
    choose_moves,
    count_charge,
)
from steps.phases.sidecars.flights.pace import keep_bucket, recall_bucket
from steps.phases.sidecars.flights.recording import mark_entries
from steps.phases.sidecars.flights.tally import Tally
from steps.phases.sidecars.moving.direction import find_worse_flights, is_landed
from steps.preflight.acting import find_busy_operation
from steps.workloads.causes import find_cause

ACT_SECONDS = 5.0
LOOK_EVERY = timedelta(seconds=30)


@dataclass(frozen=True)
class BatchEnd:
    """What the turn did: why nothing was begun, and whether the batch was cut short."""

    why: str = ""
    more: bool = False


def act(ctx: Context, tally: Tally, judged: Sequence[Judged], checked: bool) -> BatchEnd:
    """Choose and carry out the batch; nothing is done while injector or control plane are not as they should be."""
    limits = ctx.options.limits
    bucket = recall_bucket(ctx)
    free = [(flight, verdict) for flight, verdict in judged if not is_put_off(ctx, str(flight.planned.ref))]
    moving = sum(1 for flight, _ in judged if flight.begun) - sum(1 for flight, _ in free if flight.begun)
    moves = choose_moves(free, _list_budgets(ctx, free), limits, bucket, checked, ctx.release, moving)
    if not moves:
        return BatchEnd()
    guarded = guard_restarts(ctx, checked)
    if guarded.gap:
        return BatchEnd(f"nothing is restarted while {guarded.gap}")
    busy = find_gke_work(ctx) if any(isinstance(move, Begin) for move in moves) else ""
    if busy:
        moves = tuple(move for move in moves if not isinstance(move, Begin))
    moves = _hold_approved(ctx, tally, guarded, tuple(_spare_losers(ctx, tally, guarded, moves)))
    charged = sum(count_charge(move) for move in moves)
    if limits.pods_per_minute and charged:
        keep_bucket(ctx, bucket.fill(charged))
    cut = _carry_out(ctx, tally, moves, time.monotonic)
    return BatchEnd(f"nothing more is begun while {busy}" if busy else "", cut or len(moves) >= CALLS_A_TURN)


def _spare_losers(ctx: Context, tally: Tally, guarded: Guarded, moves: Iterable[Move]) -> Iterator[Move]:
    """Leave out, as failing, what would lose its sidecar or keep the old one."""
    for move in moves:
        workload = move.flight.workload
        loss = guarded.find_loss(workload, ctx.release) if workload else ""
        if loss:
            tally.record(mark_entries(move.flight.entries, "failed", loss))
        else:
            yield move


def _hold_approved(ctx: Context, tally: Tally, guarded: Guarded, moves: Sequence[Move]) -> tuple[Move, ...]:
    """Leave out what is more than was approved; it drops out of its approval once nothing of it is in flight."""
    flights = {str(move.flight.planned.ref): move.flight for move in moves}
    worse = find_worse_flights(ctx, flights, guarded.injector)
    drop_out(ctx, tally, {ref: why for ref, why in worse.items() if is_landed(flights[ref])})
    return tuple(move for move in moves if str(move.flight.planned.ref) not in worse)


def _list_budgets(ctx: Context, judged: Sequence[Judged]) -> Mapping[str, tuple[DisruptionBudget, ...]]:
    evicting = [flight for flight, _ in judged if flight.begun and flight.planned.method == "evict"]
    namespaces = {flight.planned.ref.namespace for flight in evicting}
    return {namespace: ctx.kubernetes.list_disruption_budgets(namespace) for namespace in sorted(namespaces)}


def _carry_out(ctx: Context, tally: Tally, moves: Sequence[Move], clock: Callable[[], float]) -> bool:
    """For 5 s at most; answers whether some of the batch is left for the next turn."""
    end = clock() + ACT_SECONDS
    refused: set[str] = set()
    for move in moves:
        if clock() > end:
            return True
        ref = str(move.flight.planned.ref)
        if ref in refused:
            continue
        try:
            _call(ctx, move)
            forget_refusals(ctx, ref)
        except TryAgain as fault:
            refused.add(ref)
            put_off(ctx, ref, fault.retry_in, fault.why)
        except GiveUp as fault:
            refused.add(ref)
            _give_up(ctx, tally, move, fault)
    return False


def _give_up(ctx: Context, tally: Tally, move: Move, fault: GiveUp) -> None:
    """A person decides, unless the workload is gone: then the next turn settles it."""
    planned = move.flight.planned
    put_off(ctx, str(planned.ref), None, fault.why)
    if ctx.kubernetes.read_workload(planned.ref) is not None:
        reason = fault.why if find_cause(fault.why) else f"{fault.why} ({fault.remedy})"
        tally.record(mark_entries(move.flight.entries, "failed", reason))


def _call(ctx: Context, move: Move) -> None:
    flight = move.flight
    planned = flight.planned
    ref, before = str(planned.ref), flight.workload.restarted_at if flight.workload else ""
    match move:
        case Begin():
            stamp = stamp_workload(ctx, ref, before)
            start_clock(ctx, name_clock(ctx, ref))
            _keep_nodes(ctx, flight)
            if planned.method != "evict":
                _restart(ctx, flight, stamp)
        case Restamp():
            _restart(ctx, flight, stamp_workload(ctx, ref, before, anew=True))
        case RestartAgain():
            _restart(ctx, flight, flight.stamp)
        case Evict(pod=pod):
            answer = ctx.kubernetes.evict_pod(pod.namespace, pod.name, pod.uid)
            if isinstance(answer, EvictionRefused):
                _refuse(answer)
        case _:
            assert_never(move)


def _restart(ctx: Context, flight: Flight, stamp: str) -> None:
    version = flight.workload.resource_version if flight.workload else ""
    ctx.kubernetes.restart_workload(flight.planned.ref, stamp, version)
    note_sent(ctx, str(flight.planned.ref))


def _keep_nodes(ctx: Context, flight: Flight) -> None:
    """A DaemonSet's pods are told apart by their nodes, which are not to be seen any more once the pods are gone."""
    if flight.planned.ref.kind == "DaemonSet":
        nodes = {pod.uid: pod.node for pod in flight.pods or () if pod.uid in flight.known}
        ctx.remember(NODES.of(str(flight.planned.ref)), nodes)


def _refuse(answer: EvictionRefused) -> None:
    if answer.permanent:
        raise GiveUp(answer.why, "leave one disruption budget for these pods")
    raise TryAgain(answer.why)


def find_gke_work(ctx: Context) -> str:
    """GKE's operation in a sentence, "" where none is known; asked at most every 30 s.

    Where Google can't be asked, what it said last still holds: an outage of its API moves no node.
    """
    kept = ctx.recall(GKE_WORK) or GkeWork()
    if kept.at is not None and timedelta(0) <= ctx.now - kept.at < LOOK_EVERY:
        return kept.words
    try:
        words = find_busy_operation(ctx)
    except TryAgain:
        words = kept.words
    if words and words != kept.words:
        ctx.say(f"nothing more is begun while {words}")
    ctx.revise(GKE_WORK, GkeWork(ctx.now, words))
    return words
