"""The approvals of the sidecars phase: for workloads with their method and risk, never for pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steps.contract.notes import Json
from steps.contract.step import Ask, Context, Decision, Done, Outcome
from steps.contract.wording import Person, count_things
from steps.gates import BoundWorkload, bind_workloads, describe_drift, pass_gate, read_workloads
from steps.notes.prepare import measure_identity
from steps.notes.sidecars import APPROVED, add_refs, read_refs
from steps.phases.sidecars.approvals.cards import build_plan_card
from steps.phases.sidecars.approvals.planning import measure_plan
from steps.phases.sidecars.flights.tally import Tally, read_tally
from steps.workloads.risk import LEVELS
from steps.workloads.waves import CANARY, Planned, PlannedWorkload


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
    lost = find_lost(ctx.decision, planned, tally)
    if not moving and not lost:
        return Done("no pod of the canary namespaces has an old sidecar" if canary else "no pod has an old sidecar")
    rest = "all other namespaces" if ctx.options.canary_namespaces else "all namespaces"
    title, where = ("Canary", "the canary namespaces") if canary else ("Sidecars", rest)
    pods = sum(one.pods for one in moving)
    what = f"{count_things(pods, 'pod')} in {count_things(len(moving), 'workload')} of {where}"
    ask = Ask(
        f"Re-inject {what}?" if moving else f"Go on although nothing of {where} can be re-injected any more?",
        build_plan_card(ctx, planned, [one for one in asked if one in moving or not one.pods], title),
        bind_workloads(ctx, measure_identity(ctx), moving),
    )
    outcome = pass_sidecar_gate(ctx, ask, lost)
    if isinstance(outcome, Done):
        add_refs(ctx, APPROVED, list_approved(ctx.decision, moving))
    return outcome


def pass_sidecar_gate(ctx: Context, ask: Ask, lost: Sequence[str] = ()) -> Outcome:
    """As `pass_gate`, but only what makes the approved worse voids an approval; `lost` are such sentences.

    Workloads that are gone or safer by now change nothing; new ones are not covered and form a later wave.
    """
    decision = ctx.decision
    if decision is None or decision.choice != "approve" or decision.digest == ask.digest or not decision.binding:
        return pass_gate(ctx, ask)
    shown, now = _split(decision.binding), _split(ask.binding)
    worse = (*find_worse(shown[1], now[1]), *lost)
    if shown[0] == now[0] and not worse:
        return Done(f"sidecars approved by {Person(decision.by)}")
    moved = (*describe_drift(shown[0], now[0]), *worse)
    return Ask(ask.question, ask.card, ask.binding, ask.choices, moved)


def _split(binding: Mapping[str, Json]) -> tuple[Mapping[str, Json], Mapping[str, BoundWorkload]]:
    rest = {key: entry for key, entry in binding.items() if key != "workloads"}
    return rest, read_workloads(binding)


def find_worse(shown: Mapping[str, BoundWorkload], now: Mapping[str, BoundWorkload]) -> tuple[str, ...]:
    """A sentence for each approved workload whose method changed or whose risk grew."""
    sentences = []
    for ref, before in shown.items():
        after = now.get(ref)
        if after is None:
            continue
        if before.method != after.method:
            methods = f"was to be moved by {before.method} and now by {after.method}"
            sentences.append(f"{name_place(ref)} {methods}")
        elif LEVELS.index(after.risk) > LEVELS.index(before.risk):
            sentences.append(f"{name_place(ref)} is now {list_news(before.because, after.because)}")
    return tuple(sentences)


def find_lost(decision: Decision | None, planned: Planned, tally: Tally) -> tuple[str, ...]:
    """A sentence for each approved workload that was to be moved and is left to a person by now, as a paused one is."""
    if decision is None or decision.choice != "approve":
        return ()
    risks = {str(ref): [risk.kind for risk in found] for ref, found in planned.risks.items()}
    return tuple(
        f"{name_place(ref)} is now {list_news(before.because, risks.get(ref, []))}, so it is left to a person"
        for ref, before in read_workloads(decision.binding).items()
        if not tally.has_open(ref) and any(entry.state == "manual" for entry in tally.list_entries(ref))
    )


def name_place(ref: str) -> str:
    """`namespace shop: Deployment/web` of `shop/Deployment/web`."""
    namespace, _, rest = ref.partition("/")
    return f"namespace {namespace}: {rest}" if rest else ref


def list_news(known: Sequence[str], because: Sequence[str]) -> str:
    """The risks that were not shown, or all where each was shown."""
    return ", ".join([risk for risk in because if risk not in known] or because) or "not to be moved"


def list_approved(decision: Decision | None, moving: Sequence[PlannedWorkload]) -> list[str]:
    """The workload ids that the decision covers: those it was shown."""
    shown = read_workloads(decision.binding) if decision else {}
    return sorted(shown) if shown else [str(one.ref) for one in moving]


def read_approved(ctx: Context, tally: Tally, *, canary: bool) -> tuple[str, ...]:
    """The approved workload ids of the canary, or all of them."""
    approved = read_refs(ctx, APPROVED)
    waves = {str(one.ref): one.wave for one in tally.workloads}
    return tuple(sorted(ref for ref in approved if not canary or waves.get(ref) == CANARY))
