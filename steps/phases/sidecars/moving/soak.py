"""The pause after a wave, in which addresses and metrics tell whether the next one may go."""

from __future__ import annotations

from collections.abc import Iterator

from steps.contract.cards import Choice
from steps.contract.options import UpgradeOptions
from steps.contract.step import Blocked, Context, Waiting
from steps.contract.wording import describe_seconds
from steps.notes.sidecars import ACCEPTED, Watched, name_soak, name_soak_end
from steps.phases.sidecars.flights.watching import note_after, note_before, watch_pods
from steps.workloads.waves import CANARY

POLL_SECONDS = 5.0
# More than this between two looks is not a look that came late.
LONGEST_LOOK_SECONDS = 30.0
ACCEPT = Choice("accept", "Go on all the same", "grave", needs_reason=True)


def soak_wave(ctx: Context, wave: str) -> Waiting | Blocked | None:
    """Watch a settled wave until its soak is over; None once it is. A breach is Blocked; a retry watches again."""
    seconds = choose_soak(ctx.options, wave)
    if not (ctx.options.keeps_waves_apart or seconds) or ctx.recall(name_soak_end(wave)) is not None:
        return None
    breach = "" if _is_accepted(ctx, wave) else next(find_breaches(ctx), "")
    if breach:
        return Blocked(
            f"after wave {wave} {breach}",
            "Look at what the wave did. Retry watches it again for the whole soak; going on needs a reason.",
            (ACCEPT,),
        )
    left = seconds - _count_watched(ctx, wave)
    if wave == CANARY and seconds:
        watch_pods(ctx)
    if left > 0 and not _is_accepted(ctx, wave):
        return Waiting(f"wave {wave} soaks, {describe_seconds(left)} left", min(POLL_SECONDS, left))
    if wave == CANARY and seconds:
        note_after(ctx)
    ctx.remember(name_soak_end(wave), ctx.now)
    return None


def begin_watch(ctx: Context) -> None:
    """Look at the canary's requests before the first of its pods moves, where it will be watched."""
    if ctx.options.canary_soak_seconds:
        note_before(ctx)


def choose_soak(options: UpgradeOptions, wave: str) -> float:
    """For how many seconds a wave is watched; the canary for the longer of its two soaks."""
    soak = options.limits.soak_seconds
    return max(soak, options.canary_soak_seconds) if wave == CANARY else soak


def _count_watched(ctx: Context, wave: str) -> float:
    """The seconds for which the wave was watched; time that no turn saw (an outage, a clock set forward) is none."""
    kept = ctx.recall(name_soak(ctx, wave))
    watched = 0.0
    if kept:
        passed = (ctx.now - kept.at).total_seconds()
        watched = kept.watched + min(max(passed, 0.0), LONGEST_LOOK_SECONDS)
    ctx.revise(name_soak(ctx, wave), Watched(ctx.now, watched))
    return watched


def find_breaches(ctx: Context) -> Iterator[str]:
    """What the probes and limits complain about, one sentence each."""
    options, probes = ctx.options, ctx.probes
    for url in options.probe_urls:
        if fault := probes.check_address(url):
            yield f"{url} {fault}"
    for expression, limit in options.promql_limits:
        found = probes.query_metric(options.prometheus_url, expression)
        if found is None:
            yield f"{expression} has no value"
        elif found > limit:
            yield f"{expression} is {found:g}, over its limit of {limit:g}"


def _is_accepted(ctx: Context, wave: str) -> bool:
    """Whether a person took the breach of this wave upon themselves."""
    decision = ctx.decision
    if decision is None or decision.choice != ACCEPT.id:
        return False
    return ctx.remember(ACCEPTED.of(ctx.step_id, ctx.generation), wave) == wave
