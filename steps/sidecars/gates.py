"""The approvals of the sidecars phase: for workloads with their method and risk, never for pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from steps.gates import bind_upgrade
from steps.identity import measure_identity
from steps.risk import LEVELS
from steps.sidecars.board import APPROVED, Board, add_refs, read_board, read_refs
from steps.sidecars.cards import build_plan_card
from steps.sidecars.planning import measure_plan
from steps.step import Ask, Context, Decision, Done, Json, Outcome, describe_drift, pass_gate
from steps.waves import CANARY, PlannedWorkload
from steps.wording import count_things


def approve_canary(ctx: Context) -> Outcome:
    """Ask for the canary namespaces."""
    return _ask_for(ctx, canary=True)


def approve_rest(ctx: Context) -> Outcome:
    """Ask for everything that the canary did not cover."""
    return _ask_for(ctx, canary=False)


def _ask_for(ctx: Context, *, canary: bool) -> Outcome:
    board = read_board(ctx)
    planned = measure_plan(ctx, board)
    approved = read_refs(ctx, APPROVED)
    asked = [one for one in planned.workloads if str(one.ref) not in approved and (one.wave == CANARY or not canary)]
    moving = [one for one in asked if board.has_open(str(one.ref))]
    if not moving:
        return Done("no pod of the canary namespaces has an old sidecar" if canary else "no pod has an old sidecar")
    rest = "all other namespaces" if ctx.options.canary_namespaces else "all namespaces"
    title, where = ("Canary", "the canary namespaces") if canary else ("Sidecars", rest)
    pods = sum(one.pods for one in moving)
    ask = Ask(
        f"Re-inject {count_things(pods, 'pod')} in {count_things(len(moving), 'workload')} of {where}?",
        build_plan_card(ctx, planned, [one for one in asked if one in moving or not one.pods], title),
        {**bind_upgrade(ctx, measure_identity(ctx)), "workloads": bind_workloads(moving)},
    )
    outcome = pass_sidecar_gate(ctx, ask)
    if isinstance(outcome, Done):
        add_refs(ctx, APPROVED, list_approved(ctx.decision, moving))
    return outcome


def bind_workloads(workloads: Sequence[PlannedWorkload]) -> Mapping[str, Json]:
    """What an approval of these workloads holds for."""
    return {str(one.ref): one.binding for one in workloads}


def pass_sidecar_gate(ctx: Context, ask: Ask) -> Outcome:
    """As `pass_gate`, but only what makes the approved worse voids an approval.

    Workloads that are gone or safer by now change nothing; new ones are not covered and form a later wave.
    """
    decision = ctx.decision
    if decision is None or decision.choice != "approve" or decision.digest == ask.digest or not decision.binding:
        return pass_gate(ctx, ask)
    shown, now = _split(decision.binding), _split(ask.binding)
    if shown[0] == now[0] and not find_worse(shown[1], now[1]):
        return Done(f"sidecars approved by <@{decision.by}>")
    moved = (*describe_drift(shown[0], now[0]), *find_worse(shown[1], now[1]))
    return Ask(ask.question, ask.card, ask.binding, ask.choices, moved)


def _split(binding: Mapping[str, Json]) -> tuple[Mapping[str, Json], Mapping[str, Mapping[str, Json]]]:
    rest = {key: entry for key, entry in binding.items() if key != "workloads"}
    return rest, cast("Mapping[str, Mapping[str, Json]]", binding.get("workloads") or {})


def find_worse(shown: Mapping[str, Mapping[str, Json]], now: Mapping[str, Mapping[str, Json]]) -> tuple[str, ...]:
    """A sentence for each approved workload whose method changed or whose risk grew."""
    sentences = []
    for ref, before in shown.items():
        after = now.get(ref)
        if after is None:
            continue
        if before["method"] != after["method"]:
            sentences.append(f"{ref} was to be moved by {before['method']} and now by {after['method']}")
        elif LEVELS.index(after["risk"]) > LEVELS.index(before["risk"]):
            because = ", ".join(cast("Sequence[str]", after["because"]))
            sentences.append(f"{ref} has a worse risk than was shown: {because}")
    return tuple(sentences)


def list_approved(decision: Decision | None, moving: Sequence[PlannedWorkload]) -> list[str]:
    """The workload ids that the decision covers: those it was shown."""
    shown = decision.binding.get("workloads") if decision else None
    refs = [str(one.ref) for one in moving]
    return sorted(cast("Mapping[str, Json]", shown)) if shown else refs


def read_approved(ctx: Context, board: Board, *, canary: bool) -> tuple[str, ...]:
    """The approved workload ids of the canary, or all of them."""
    approved = read_refs(ctx, APPROVED)
    waves = {str(one.ref): one.wave for one in board.workloads}
    return tuple(sorted(ref for ref in approved if not canary or waves.get(ref) == CANARY))
