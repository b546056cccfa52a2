"""What is left of the phase: the estimate once more, over what still has to move and by the rounds seen so far."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from steps.contract.cards import Progress
from steps.contract.forecast import Forecast, Measured
from steps.contract.step import Context
from steps.contract.wording import describe_seconds
from steps.notes.sidecars import OVERRUN_TOLD, ROUNDS, Seen
from steps.phases.sidecars.flights.flight import Finished, Flight, Underway
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.pace import describe_progress
from steps.phases.sidecars.flights.tally import OPEN_STATES, Tally
from steps.workloads.estimate import (
    LOOK_SECONDS,
    Piece,
    Range,
    describe_overrun,
    describe_range,
    estimate_left,
    name_sidecars_source,
)

# Nobody looked for so long (a pause, a closed window, an outage): what moved meanwhile measures that and no pace.
BREAK = timedelta(seconds=60)


@dataclass(frozen=True)
class Left:
    """What is left, in minutes, and of the window. `source` is "" where this upgrade's own pace is behind it."""

    minutes: Range
    window_minutes: float | None = None
    source: str = ""

    @property
    def overrun(self) -> str:
        """`; will overrun the window by about 20 min`, "" where it fits."""
        return describe_overrun(self.minutes, self.window_minutes)

    @property
    def seconds(self) -> float | None:
        """The middle of the range; None where it is no more than what was said before the phase began."""
        return None if self.source else sum(self.minutes) * 30


def measure_left(ctx: Context, tally: Tally, refs: Collection[str], judged: Sequence[Judged]) -> Left:
    """Look at the clocks of what moves, keep what ended, and estimate the rest."""
    seen = see_rounds(ctx, judged)
    underway = {flight.planned.ref: verdict.done for flight, verdict in judged if isinstance(verdict, Underway)}
    begun = {str(flight.planned.ref) for flight, _ in judged if flight.begun}
    pieces = sorted(
        (
            (str(one.ref) not in begun, cut_piece(one.piece, tally, str(one.ref), underway.get(one.ref, 0)))
            for one in tally.workloads
            if str(one.ref) in refs
        ),
        key=lambda pair: pair[0],
    )
    forecast = ctx.forecast()
    rounds = add_underway(seen, judged).round_seconds
    minutes = estimate_left(ctx.release, [piece for _, piece in pieces], ctx.options, forecast.measured, rounds)
    source = "" if rounds else name_sidecars_source(ctx.release, forecast.measured)
    return Left(minutes, forecast.window_minutes, source)


def cut_piece(piece: Piece, tally: Tally, ref: str, done: int) -> Piece:
    """What is left of a workload once `done` of its open pods are through."""
    pods = sum(1 for entry in tally.list_entries(ref) if entry.state in OPEN_STATES) - done
    share = pods / piece.pods if piece.pods else 0.0
    return replace(piece, pods=max(0, pods), rounds=piece.rounds * share)


def see_rounds(ctx: Context, judged: Iterable[Judged]) -> Seen:
    """Add the workloads that ended in this turn to those that ended before, and keep the sum."""
    kept = recall_seen(ctx)
    broken = ctx.now - kept.at > BREAK or ctx.now < kept.at
    seen = replace(kept, at=ctx.now, since=ctx.now if broken else kept.since)
    for flight, verdict in judged:
        if isinstance(verdict, Finished) and is_measured(flight, seen.since):
            seen = seen.add(*time_flight(flight, ctx.now, flight.planned.piece.rounds))
    ctx.revise(ROUNDS, seen)
    return seen


def add_underway(seen: Seen, judged: Iterable[Judged]) -> Seen:
    """The sums with the rounds that moving workloads have behind them; the one at hand counts as half done."""
    for flight, verdict in judged:
        planned = flight.planned
        if not isinstance(verdict, Underway) or not planned.pods or not is_measured(flight, seen.since):
            continue
        behind = planned.piece.rounds * verdict.done / planned.pods
        if behind >= 1:
            seen = seen.add(*time_flight(flight, seen.at, behind + 0.5))
    return seen


def is_measured(flight: Flight, since: datetime) -> bool:
    """Whether somebody looked all the time since the workload was begun."""
    return flight.begun and not flight.fresh and flight.clock is not None and flight.clock >= since


def time_flight(flight: Flight, now: datetime, rounds: float) -> tuple[float, float]:
    """Seconds in rounds, looks and minReadySeconds not counted, and how many rounds these were."""
    began = flight.clock or now
    seconds = (now - began).total_seconds() - LOOK_SECONDS - rounds * flight.planned.ready_seconds
    return max(0.0, seconds), rounds


def describe_left(progress: Progress, left: Left, waits_for: str = "") -> str:
    """`412/500 pods re-injected, 96 pods/min, 1–1.5 min left`, and whether the window will do.

    `waits_for` says for what, where nothing moves: then nobody knows how long.
    """
    counted = describe_progress(progress)
    if progress.done >= progress.total:
        return counted
    if waits_for:
        return f"{counted}, time left not known: {waits_for}"
    source = f" by {left.source}" if left.source else ""
    return f"{counted}, {describe_range(left.minutes)} left{source}{left.overrun}"


def warn_of_overrun(ctx: Context, left: Left) -> None:
    """Say once in the thread that the window will not do; again only after it had seemed to."""
    window, told = left.window_minutes, ctx.recall(OVERRUN_TOLD)
    if window is None or left.minutes[1] <= window:
        if told:
            ctx.forget(OVERRUN_TOLD)
        return
    if not left.source and left.minutes[0] > window and not told:
        ctx.revise(OVERRUN_TOLD, True)
        ctx.say(f"at the pace so far, {describe_range(left.minutes)} are left{left.overrun}")


def prefer_seen(ctx: Context, forecast: Forecast) -> Forecast:
    """The forecast with the rounds that this upgrade's canary took, where there was one."""
    seen = recall_seen(ctx)
    if not seen.round_seconds:
        return forecast
    source = f"the pods so far took {describe_seconds(seen.round_seconds)}"
    return replace(forecast, measured=Measured(seen.round_seconds, sidecars_source=source))


def recall_seen(ctx: Context) -> Seen:
    """What was seen so far; nothing, from now on, where nothing was kept."""
    return ctx.recall(ROUNDS) or Seen(0.0, 0.0, ctx.now, ctx.now)
