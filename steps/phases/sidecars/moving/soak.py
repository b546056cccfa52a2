"""The pause after a wave, in which addresses and metrics tell whether the next one may go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import cast

from steps.contract.cards import Choice
from steps.contract.step import Blocked, Context, Waiting

POLL_SECONDS = 5.0
# More than this between two looks is not a look that came late.
LONGEST_LOOK_SECONDS = 30.0
ACCEPT = Choice("accept", "Go on all the same", "grave", needs_reason=True)


def soak_wave(ctx: Context, wave: str) -> Waiting | Blocked | None:
    """Watch a settled wave until its soak is over; None once it is. A breach is Blocked, and retry watches anew."""
    if not ctx.options.keeps_waves_apart or ctx.recall(_name(wave, "over")):
        return None
    breach = "" if _is_accepted(ctx, wave) else next(find_breaches(ctx), "")
    if breach:
        return Blocked(
            f"after wave {wave} {breach}",
            "Look at what the wave did. Retry watches it again for the whole soak; going on needs a reason.",
            (ACCEPT,),
        )
    left = ctx.options.limits.soak_seconds - _count_watched(ctx, wave)
    if left > 0 and not _is_accepted(ctx, wave):
        return Waiting(f"wave {wave} soaks, {left:.0f} s left", min(POLL_SECONDS, left))
    ctx.remember(_name(wave, "over"), ctx.now.isoformat())
    return None


def _count_watched(ctx: Context, wave: str) -> float:
    """The seconds for which the wave was watched; time that no turn saw (an outage, a clock set forward) is none."""
    key = _name(wave, str(ctx.generation))
    kept = ctx.recall(key)
    watched = 0.0
    if isinstance(kept, Mapping):
        passed = (ctx.now - datetime.fromisoformat(str(kept["at"]))).total_seconds()
        watched = float(cast(float, kept["watched"])) + min(max(passed, 0.0), LONGEST_LOOK_SECONDS)
    ctx.memory.revise(key, {"at": ctx.now.isoformat(), "watched": watched})
    return watched


def find_breaches(ctx: Context) -> Iterator[str]:
    """What the probes and limits complain about, one sentence each."""
    options, probes = ctx.options, ctx.probes
    if probes is None:
        if options.probe_urls or options.promql_limits:
            yield "nothing can be probed: this bot runs without probes"
        return
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
    accepted = ctx.remember(f"sidecars/accepted/{ctx.step_id}/{ctx.generation}", wave)
    return accepted == wave


def _name(wave: str, what: str) -> str:
    return f"sidecars/soak/{wave}/{what}"
