"""What a turn of re-injection tells: what is done, what is left, when to look again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from steps.contract.cards import Progress
from steps.contract.step import Context, Waiting
from steps.contract.wording import Aside
from steps.mesh import WorkloadRef
from steps.notes.sidecars import SAMPLES
from steps.phases.sidecars.flights.flight import Changed, Failing, Finished, Held, Underway
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.pace import add_sample, measure_progress
from steps.phases.sidecars.flights.remaining import describe_left, measure_left, recall_seen, warn_of_overrun
from steps.phases.sidecars.flights.standstill import Standstill, watch_standstills
from steps.phases.sidecars.flights.tally import OPEN_STATES, Tally
from steps.phases.sidecars.moving.batch import BatchEnd
from steps.workloads.waves import PlannedWorkload

POLL_SECONDS = 2.0
# the first restarted workload holds up all others until a pod of it was seen
FIRST_POLL_SECONDS = 1.0
DETAIL_LINES = 12


def tell_finished_waves(ctx: Context, tally: Tally, todo: Sequence[PlannedWorkload], judged: Sequence[Judged]) -> None:
    """Name the waves whose last open pod ended in this turn."""
    ended = {flight.planned.wave for flight, verdict in judged if isinstance(verdict, Finished)}
    still = {planned.wave for planned in todo if tally.has_open(str(planned.ref))}
    for wave in sorted(ended - still):
        own = [e for e in tally.list_all() if e.wave == wave and e.state == "upgraded"]
        ctx.say(Aside(f"wave {wave} done: {len(own)} pods on {ctx.release.version}"))


def wait_for_wave(
    ctx: Context,
    tally: Tally,
    refs: Iterable[str],
    judged: Sequence[Judged],
    ended: BatchEnd,
    requests: float,
    checked: bool,
) -> Waiting:
    """Wait for the next look, and say how far the wave is."""
    counted = set(refs)
    left = measure_left(ctx, tally, counted, judged)
    stuck = watch_standstills(ctx, judged, recall_seen(ctx).round_seconds)
    waits_for = describe_standstill(judged, stuck, ended.why)
    if not waits_for:
        warn_of_overrun(ctx, left)
    seconds = None if waits_for else left.seconds
    progress = dataclasses.replace(measure_pods(ctx, tally, counted, judged), seconds_left=seconds)
    poll = max(POLL_SECONDS, requests) if checked else FIRST_POLL_SECONDS
    told = () if waits_for else (*([ended.why] if ended.why else ()), *_name_standstills(stuck))
    return Waiting(
        "; ".join([describe_left(progress, left, waits_for), *told]),
        retry_in=0.0 if ended.more else poll,
        progress=progress,
        details=tuple(_list_details(judged, {one.flight.planned.ref: one for one in stuck})),
    )


def describe_standstill(judged: Sequence[Judged], stuck: Sequence[Standstill], held_up: str) -> str:
    """What is waited for where nothing moves: a workload that stands still, or what holds all of them up."""
    names = {one.flight.planned.ref for one in stuck}
    moving = [flight for flight, verdict in judged if isinstance(verdict, Underway) and flight.begun]
    if any(flight.planned.ref not in names for flight in moving) or any(isinstance(v, Finished) for _, v in judged):
        return ""
    return "; ".join([*([held_up] if held_up else ()), *(f"waits for {one}" for one in _name_standstills(stuck))])


def _name_standstills(stuck: Sequence[Standstill]) -> list[str]:
    """The first, and how many more there are."""
    if not stuck:
        return []
    more = f"; {len(stuck) - 1} more stand still" if len(stuck) > 1 else ""
    return [f"{stuck[0].sentence}{more}"]


def measure_pods(ctx: Context, tally: Tally, refs: set[str], judged: Sequence[Judged]) -> Progress:
    """How many of the bot's own pods are done, and at what pace."""
    entries = [entry for entry in tally.list_all() if entry.workload in refs]
    counted = [entry for entry in entries if entry.state not in ("manual", "skipped")]
    closed = sum(1 for entry in counted if entry.state not in OPEN_STATES)
    done = closed + sum(verdict.done for _, verdict in judged if isinstance(verdict, Underway))
    kept = ctx.recall(SAMPLES.of(ctx.step_id)) or ()
    samples = add_sample(kept, ctx.now, done)
    if samples != kept:
        ctx.revise(SAMPLES.of(ctx.step_id), samples)
    return measure_progress(samples, done, len(counted), ctx.now)


def _list_details(judged: Sequence[Judged], stuck: Mapping[WorkloadRef, Standstill]) -> Iterator[str]:
    """The first workloads; those that stand still come first."""
    ranked = sorted(judged, key=lambda pair: pair[0].planned.ref not in stuck)
    for flight, verdict in ranked[:DETAIL_LINES]:
        ref, total = flight.planned.ref, len(flight.entries)
        match verdict:
            case Underway(done=done) if flight.begun:
                yield f"{ref}: {done}/{total}" + (f", {stuck[ref].short}" if ref in stuck else "")
            case Held(why=why):
                yield f"{ref}: waits, {why}"
            case Changed(why=why):
                yield f"{ref}: left out, {why}"
            case Failing(why=why):
                yield f"{ref}: failing, {why}"
            case _:
                pass
