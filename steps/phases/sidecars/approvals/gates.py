"""The approvals of the sidecars phase: for workloads with their method and risk, never for pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from steps.contract.notes import Json
from steps.contract.step import Ask, Blocked, Context, Done, Outcome
from steps.contract.wording import Person, count_things
from steps.gates import (
    BROKEN,
    TO_THE_END,
    WORKLOADS,
    BoundWorkload,
    bind_workloads,
    describe_drift,
    pass_gate,
    read_workloads,
)
from steps.notes.sidecars import APPROVED, read_refs
from steps.phases.sidecars.approvals.approved import (
    drop_out,
    find_worse,
    keep_approved_workloads,
    list_dropped,
    name_workload,
)
from steps.phases.sidecars.approvals.broken import find_broken_before, leave_broken, offer_leaving
from steps.phases.sidecars.approvals.cards import build_plan_card, describe_nothing
from steps.phases.sidecars.approvals.planning import measure_plan
from steps.phases.sidecars.approvals.renewal import keep_renewed
from steps.phases.sidecars.flights.tally import Tally, read_tally
from steps.phases.through import Through, describe_through, offer_through, recall_through
from steps.preflight.acting import measure_to_act
from steps.workloads.waves import CANARY, Planned

SHOWN = 5


def approve_canary(ctx: Context) -> Outcome:
    """Ask for the canary namespaces."""
    return _ask_for(ctx, canary=True)


def approve_rest(ctx: Context) -> Outcome:
    """Ask for everything that the canary did not cover."""
    return _ask_for(ctx, canary=False)


def _ask_for(ctx: Context, *, canary: bool) -> Outcome:
    tally = read_tally(ctx)
    planned = measure_plan(ctx, tally)
    approved = read_refs(ctx, APPROVED)
    asked = [one for one in planned.workloads if str(one.ref) not in approved and (one.wave == CANARY or not canary)]
    moving = [one for one in asked if tally.has_open(str(one.ref))]
    if not moving:
        waves = {str(one.ref): one.wave for one in tally.workloads}
        own = [e for e in tally.list_all() if not canary or waves.get(e.workload, e.wave) == CANARY]
        return Done(describe_nothing(ctx, own, "of the canary namespaces" if canary else ""))
    identity = measure_to_act(ctx, "sidecars")
    if isinstance(identity, Blocked):
        return identity
    rest = "all other namespaces" if ctx.options.canary_namespaces else "all namespaces"
    title, where = ("Canary", "the canary namespaces") if canary else ("Sidecars", rest)
    pods = sum(one.pods for one in moving)
    what = f"{count_things(pods, 'pod')} in {count_things(len(moving), 'workload')} of {where}"
    ask = Ask(
        f"Re-inject {what}?",
        build_plan_card(ctx, planned, [one for one in asked if one in moving or not one.pods], title),
        bind_workloads(ctx, identity, moving),
        moved=list_dropped(ctx, (str(one.ref) for one in moving)),
    )
    through = None if ctx.decision else recall_through(ctx)
    if through is not None:
        return pass_through(ctx, ask, through, planned)
    ask = offer_leaving(ask, find_broken_before(planned, moving, ctx.now))
    return pass_sidecar_gate(ctx, offer_through(ctx, ask, lambda _: planned), tally, planned)


def pass_through(ctx: Context, ask: Ask, through: Through, planned: Planned) -> Outcome:
    """Covered if each workload stands on the card of an approval through and is no worse; else that approval ends."""
    now, worse = read_workloads(ask.binding), find_all_worse(through.workloads, planned)
    news = [
        f"{name_workload(ref)}: {worse.get(ref, 'new')}" for ref in now if ref in worse or ref not in through.workloads
    ]
    if news:
        ended = f"{through.words} ends: {', '.join(news[:SHOWN])}{' and more' if len(news) > SHOWN else ''}"
        return offer_through(ctx, replace(ask, moved=(*ask.moved, ended)), lambda _: planned)
    keep_approved_workloads(ctx, {ref: through.workloads[ref] for ref in now})
    return Done(describe_through(through, "sidecars approved"))


def pass_sidecar_gate(ctx: Context, ask: Ask, tally: Tally, planned: Planned) -> Outcome:
    """As `pass_gate`, but workloads count by direction: one that became worse drops out alone.

    Workloads that are gone or safer by now change nothing; new ones are not covered and form a later wave.
    """
    decision = ctx.decision
    if decision is None or not decision.approves or not decision.binding:
        return pass_gate(ctx, ask)
    shown, now = split_binding(decision.binding), split_binding(ask.binding)
    if shown[0] != now[0]:
        moved = describe_drift(shown[0], now[0])
        return Ask(ask.question, ask.card, ask.binding, ask.choices, moved)
    left = leave_broken(ctx, tally, planned)
    going = {ref: bound for ref, bound in shown[1].items() if ref not in left}
    worse = find_all_worse(going, planned)
    keep_approved_workloads(ctx, {ref: bound for ref, bound in going.items() if ref not in worse})
    drop_out(ctx, tally, worse)
    but = f", but {count_things(len(left), 'workload')} left alone" if left else ""
    return Done(f"sidecars approved by {Person(decision.by)}{but}")


def split_binding(binding: Mapping[str, Json]) -> tuple[Mapping[str, Json], Mapping[str, BoundWorkload]]:
    """What holds for all workloads of an approval, and the workloads."""
    rest = {key: entry for key, entry in binding.items() if key not in (WORKLOADS, TO_THE_END, BROKEN)}
    return rest, read_workloads(binding)


def find_all_worse(shown: Mapping[str, BoundWorkload], planned: Planned) -> Mapping[str, str]:
    """Why each workload is more than what was shown of it, by id; those that aren't are left out."""
    now = {str(one.ref): one for one in planned.workloads}
    found = {
        ref: find_worse(before, now[ref].method, planned.risks.get(now[ref].ref, ()))
        for ref, before in shown.items()
        if ref in now
    }
    return {ref: why for ref, why in found.items() if why}


def read_approved(ctx: Context, tally: Tally, *, canary: bool) -> tuple[str, ...]:
    """The approved workload ids of the canary, or all of them, with what was approved anew."""
    keep_renewed(ctx)
    approved = read_refs(ctx, APPROVED)
    waves = {str(one.ref): one.wave for one in tally.workloads}
    return tuple(sorted(ref for ref in approved if not canary or waves.get(ref) == CANARY))
