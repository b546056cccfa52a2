"""One turn of re-injection: look, judge, record, act."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from steps.contract.step import Blocked, Context, Waiting
from steps.notes.sidecars import CHECKED, is_put_off
from steps.phases.sidecars.flights.flight import Flight, Misinjected, describe_misinjection
from steps.phases.sidecars.flights.lookout import sight_flights
from steps.phases.sidecars.flights.moves import CALLS_A_TURN
from steps.phases.sidecars.flights.recording import record_verdicts
from steps.phases.sidecars.flights.tally import Tally, open_flight
from steps.phases.sidecars.moving.batch import act
from steps.phases.sidecars.moving.direction import drop_changed
from steps.phases.sidecars.moving.failures import block_on_failures
from steps.phases.sidecars.moving.judging import check_first, judge_flights
from steps.phases.sidecars.moving.progress import tell_finished_waves, wait_for_wave
from steps.phases.sidecars.moving.skipping import settle_choice
from steps.workloads.waves import PlannedWorkload

CANDIDATES_A_TURN = CALLS_A_TURN


@dataclass(frozen=True)
class Settled:
    """Every workload of the wave has ended."""


def move_wave(
    ctx: Context, tally: Tally, refs: Sequence[str], counted: Sequence[str] = ()
) -> Settled | Waiting | Blocked:
    """Bring the workloads a turn further; Settled once none of them has an open pod. Progress counts `counted`."""
    settle_choice(ctx, tally)
    todo = tally.list_open(refs)
    if not todo:
        return Settled()
    checked = ctx.recall(CHECKED) is not None
    flights = choose_flights(ctx, tally, todo, checked)
    if ctx.hold and not flights:
        return Waiting(ctx.hold, retry_in=0.0, held=True)
    sighting = sight_flights(ctx, flights, checked)
    judged = judge_flights(ctx, tally, sighting.flights)
    record_verdicts(ctx, tally, judged)
    drop_changed(ctx, tally, judged)
    wrong = next((verdict for _, verdict in judged if isinstance(verdict, Misinjected)), None)
    if wrong is not None:
        return _stop(ctx, wrong)
    checked = checked or check_first(ctx, judged)
    tell_finished_waves(ctx, tally, todo, judged)
    blocked = block_on_failures(ctx, tally, todo, judged)
    if blocked:
        return blocked
    ended = act(ctx, tally, judged, checked)
    return block_on_failures(ctx, tally, todo, judged) or wait_for_wave(
        ctx, tally, counted or refs, judged, ended, sighting.requests, checked
    )


def choose_flights(ctx: Context, tally: Tally, todo: Sequence[PlannedWorkload], checked: bool) -> tuple[Flight, ...]:
    """All begun workloads, and as many others in the plan's order as could begin now."""
    flights = [open_flight(ctx, tally, planned) for planned in todo]
    begun = [flight for flight in flights if flight.begun]
    if ctx.hold:
        # between two workloads nothing is in flight: the safe point
        return tuple(begun)
    moving = sum(1 for flight in begun if not tally.has_failed(str(flight.planned.ref)))
    slots = (ctx.options.limits.workloads_at_once or len(flights)) if checked else 1
    # some more than fit, as the first may turn out to be held
    wanted = slots - moving + 2 if moving < slots else 0
    waiting = [flight for flight in flights if not flight.begun]
    # a held workload must not starve the others, and the first to be checked is the smallest
    waiting.sort(key=lambda flight: (flight.clock is not None, 0 if checked else len(flight.entries)))
    chosen = _take(ctx, waiting, min(wanted, CANDIDATES_A_TURN))
    return (*begun, *chosen)


def _take(ctx: Context, waiting: Iterable[Flight], wanted: int) -> Iterator[Flight]:
    for flight in waiting:
        if wanted <= 0:
            return
        if not is_put_off(ctx, str(flight.planned.ref)):
            wanted -= 1
            yield flight


def _stop(ctx: Context, wrong: Misinjected) -> Blocked:
    return Blocked(
        f"{describe_misinjection(wrong.pods[0], ctx.release)}; nothing more is restarted",
        f"Look at the injector: kubectl -n {ctx.release.namespace} get configmap {ctx.release.injector_config} -o yaml."
        " Once it is mended, retry restarts the workload again.",
    )
