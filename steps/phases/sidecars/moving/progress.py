"""What a turn of re-injection tells: what is done, what is left, when to look again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from steps.contract.cards import Progress
from steps.contract.step import Context, Waiting
from steps.notes.sidecars import SAMPLES
from steps.phases.sidecars.flights.actions import Judged
from steps.phases.sidecars.flights.flight import Changed, Failing, Finished, Held, Underway
from steps.phases.sidecars.flights.pace import add_sample, measure_progress
from steps.phases.sidecars.flights.remaining import describe_left, measure_left, warn_of_overrun
from steps.phases.sidecars.flights.tally import OPEN_STATES, Tally
from steps.phases.sidecars.moving.batch import Acted
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
        ctx.say(f"wave {wave} done: {len(own)} pods on {ctx.release.version}")


def wait_for_wave(
    ctx: Context,
    tally: Tally,
    refs: Iterable[str],
    judged: Sequence[Judged],
    acted: Acted,
    requests: float,
    checked: bool,
) -> Waiting:
    """Wait for the next look, and say how far the wave is."""
    counted = set(refs)
    left = measure_left(ctx, tally, counted, judged)
    warn_of_overrun(ctx, left)
    progress = dataclasses.replace(measure(ctx, tally, counted, judged), seconds_left=left.seconds)
    sentence = describe_left(progress, left)
    poll = max(POLL_SECONDS, requests) if checked else FIRST_POLL_SECONDS
    return Waiting(
        f"{sentence}; {acted.why}" if acted.why else sentence,
        retry_in=0.0 if acted.more else poll,
        progress=progress,
        details=tuple(_list_details(judged)),
    )


def measure(ctx: Context, tally: Tally, refs: set[str], judged: Sequence[Judged]) -> Progress:
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


def _list_details(judged: Sequence[Judged]) -> Iterator[str]:
    for flight, verdict in judged[:DETAIL_LINES]:
        ref, total = flight.planned.ref, len(flight.entries)
        match verdict:
            case Underway(done=done) if flight.begun:
                yield f"{ref}: {done}/{total}"
            case Held(why=why):
                yield f"{ref}: waits, {why}"
            case Changed(why=why):
                yield f"{ref}: left out, {why}"
            case Failing(why=why):
                yield f"{ref}: failing, {why}"
            case _:
                pass
