"""Workloads that have begun and do not get on: since when, and why, told while the phase still waits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from steps.contract.step import Context
from steps.contract.wording import describe_seconds
from steps.mesh import Event
from steps.notes.sidecars import STANDING, LastAdvance, recall_refusal
from steps.phases.sidecars.flights.flight import Flight, Underway, is_in_place
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.reasons import find_reason, pick_silent
from steps.workloads.causes import choose_words
from steps.workloads.rollout import count_moved

# After so long without progress a workload is named, so that a person knows within two minutes; where pods take long
# by themselves a little later.
SOONEST = timedelta(seconds=60)
LATEST = timedelta(seconds=110)
# Events are read for so many workloads a turn, and for each of them only this often.
ASKED_A_TURN = 3
ASK_EVERY = timedelta(seconds=20)
_SKEW = timedelta(seconds=5)


@dataclass(frozen=True)
class Standstill:
    """A workload that makes no progress, and for how long; `reason` is "" where nobody gives one."""

    flight: Flight
    span: timedelta
    reason: str

    @property
    def sentence(self) -> str:
        """`shop/StatefulSet/db, 2 of 3 pods ready, no progress for 70 s: …`."""
        workload = self.flight.workload
        ready = f", {workload.ready} of {workload.replicas} pods ready" if workload else ""
        return f"{self.flight.planned.ref}{ready}, {self.short}"

    @property
    def short(self) -> str:
        """`no progress for 70 s: …`."""
        why = f": {self.reason}" if self.reason else ""
        # No finer than ten seconds, so that a message is not edited for nothing.
        return f"no progress for {describe_seconds(self.span.total_seconds() // 10 * 10)}{why}"


def watch_standstills(ctx: Context, judged: Sequence[Judged], round_seconds: float) -> tuple[Standstill, ...]:
    """Keep since when each moving workload has got no further, and read the events of those that say nothing.

    `round_seconds` is what a round of pods took so far, 0 where none was seen.
    """
    kept = ctx.recall(STANDING) or {}
    standing = {
        str(flight.planned.ref): _look_again(kept.get(str(flight.planned.ref)), flight, verdict, ctx.now)
        for flight, verdict in judged
        if isinstance(verdict, Underway) and flight.begun
    }
    flights = {str(flight.planned.ref): flight for flight, _ in judged}
    stuck = [ref for ref, one in standing.items() if ctx.now - one.since >= _allow(flights[ref], round_seconds)]
    standing |= _ask_events(ctx, [flights[ref] for ref in stuck], standing)
    if standing != kept:
        ctx.revise(STANDING, standing)
    return tuple(_describe(flights[ref], standing[ref], ctx.now) for ref in stuck)


def add_words(ctx: Context, flights: Iterable[Flight]) -> tuple[Flight, ...]:
    """The flights, those that have begun with what their events and the last refused call said."""
    kept = ctx.recall(STANDING) or {}
    return tuple(_add_words(ctx, flight, kept.get(str(flight.planned.ref))) for flight in flights)


def _add_words(ctx: Context, flight: Flight, standing: LastAdvance | None) -> Flight:
    if not flight.begun:
        return flight
    words = standing.words if standing else ""
    return dataclasses.replace(flight, words=words, refusal=recall_refusal(ctx, str(flight.planned.ref)))


def _look_again(kept: LastAdvance | None, flight: Flight, verdict: Underway, now: datetime) -> LastAdvance:
    moved = verdict.done + (count_moved(flight.workload) if flight.workload else 0)
    moved += flight.workload.updated if flight.workload else 0
    if kept is None or kept.moved != moved or kept.since > now:
        return LastAdvance(moved, now)
    return kept


def _allow(flight: Flight, round_seconds: float) -> timedelta:
    usual = min(max(SOONEST, timedelta(seconds=1.5 * round_seconds)), LATEST)
    return usual + timedelta(seconds=flight.workload.min_ready_seconds if flight.workload else 0)


def _ask_events(
    ctx: Context, stuck: Iterable[Flight], standing: Mapping[str, LastAdvance]
) -> Mapping[str, LastAdvance]:
    """What the events of the workloads say that have no reason yet, for a few of them a turn."""
    silent = [
        flight for flight in stuck if _may_ask(standing[str(flight.planned.ref)], ctx.now) and _says_nothing(flight)
    ]
    return {
        str(flight.planned.ref): dataclasses.replace(
            standing[str(flight.planned.ref)], words=_read_words(ctx, flight), asked=ctx.now
        )
        for flight in silent[:ASKED_A_TURN]
    }


def _may_ask(standing: LastAdvance, now: datetime) -> bool:
    return standing.asked is None or not timedelta(0) <= now - standing.asked < ASK_EVERY


def _says_nothing(flight: Flight) -> bool:
    unheard = dataclasses.replace(flight, words="")
    return flight.workload is not None and (pick_silent(flight) is not None or not find_reason(unheard))


def _read_words(ctx: Context, flight: Flight) -> str:
    """The words of the silent pod's events, or of the workload's own since this attempt began."""
    pod, ref = pick_silent(flight), flight.planned.ref
    if pod is not None:
        words = choose_words(
            event for event in ctx.kubernetes.read_events(pod.namespace, "Pod", pod.name) if event.uid in ("", pod.uid)
        )
        return f"{pod.name}: {words}" if words else ""
    began = flight.clock
    events = ctx.kubernetes.read_events(ref.namespace, ref.kind, ref.name)
    return choose_words(event for event in events if _is_since(event, began))


def _is_since(event: Event, began: datetime | None) -> bool:
    return event.at is None or began is None or event.at >= began - _SKEW


def _describe(flight: Flight, standing: LastAdvance, now: datetime) -> Standstill:
    told = dataclasses.replace(flight, words=standing.words)
    reason = find_reason(told)
    if not reason and not is_in_place(flight):
        reason = "its restart is not in place"
    return Standstill(flight, now - standing.since, reason)
