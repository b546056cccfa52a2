"""What was approved of each workload, held against what it is now: more than that waits for a later wave."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from steps.contract.notes import Note, read_as
from steps.contract.step import Context
from steps.gates import BoundWorkload, bind_planned
from steps.notes.sidecars import APPROVED, add_refs, read_refs
from steps.phases.sidecars.flights.tally import Tally, store_plan
from steps.workloads.method import Method
from steps.workloads.subject import LEVELS, Risk, worst_level
from steps.workloads.waves import LATER, PlannedWorkload

# By workload id, as it stood on the card; earlier versions of the bot kept the ids alone.
APPROVED_AS = Note("sidecars/approved-as", read_as(dict[str, BoundWorkload]))
# Why workloads were taken out of their approval, by id; they are asked about in a later wave.
DROPPED = Note("sidecars/dropped", read_as(dict[str, str]))
# Risks that come and go with replicas and pods: they count only where they were shown.
OF_PODS = frozenset({"single replica", "no sidecar yet"})


def find_worse(shown: BoundWorkload, method: Method, risks: Iterable[Risk]) -> str:
    """Why a workload is more than what was shown of it, "" where it is the same, less or safer.

    One that the bot would not move any more is less. Replicas, rollouts, budgets, nodes and broken pods never count.
    """
    if method == "manual":
        return ""
    if method != shown.method:
        return f"it was to be moved by {shown.method} and now by {method}"
    lasting = [risk for risk in risks if not risk.passing and (risk.kind not in OF_PODS or risk.kind in shown.because)]
    news = [risk for risk in lasting if risk.kind not in shown.because and risk.level != "note"]
    if LEVELS.index(worst_level(lasting)) > LEVELS.index(shown.risk):
        news = news or [risk for risk in lasting if risk.level == worst_level(lasting)]
    return f"now {', '.join(sorted({risk.kind for risk in news}))}" if news else ""


def keep_approved_workloads(ctx: Context, bound: Mapping[str, BoundWorkload]) -> None:
    """These workloads are approved, as they stood on the card."""
    add_refs(ctx, APPROVED, bound)
    known = ctx.recall(APPROVED_AS) or {}
    joined = {**known, **bound}
    if joined != known:
        ctx.revise(APPROVED_AS, joined)
    _forget_dropped(ctx, bound)


def approve_method(ctx: Context, refs: Iterable[str], method: Method) -> None:
    """A person chose another method for workloads that are approved."""
    known = ctx.recall(APPROVED_AS) or {}
    changed = {ref: dataclasses.replace(known[ref], method=method) for ref in refs if ref in known}
    ctx.revise(APPROVED_AS, {**known, **changed})


def recall_approved(ctx: Context, planned: Iterable[PlannedWorkload]) -> Mapping[str, BoundWorkload]:
    """How workloads were approved; of an approval given to an earlier version, how they were planned then."""
    known = ctx.recall(APPROVED_AS) or {}
    return {**bind_planned(planned), **known}


def drop_out(ctx: Context, tally: Tally, worse: Mapping[str, str]) -> None:
    """Take workloads out of their approval, with why; nothing more is done to them before they have another."""
    if not worse:
        return
    for ref, why in worse.items():
        ctx.say(f"{name_workload(ref)} drops out of its approval: {why}")
    kept = read_refs(ctx, APPROVED)
    ctx.revise(APPROVED, tuple(sorted(kept - worse.keys())))
    dropped = ctx.recall(DROPPED) or {}
    ctx.revise(DROPPED, {**dropped, **worse})
    store_plan(ctx, [dataclasses.replace(one, wave=LATER) for one in tally.workloads if str(one.ref) in worse])


def list_dropped(ctx: Context, refs: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each of the workloads that dropped out of its approval."""
    dropped = ctx.recall(DROPPED) or {}
    return tuple(f"{name_workload(ref)}: {dropped[ref]}" for ref in refs if ref in dropped)


def name_workload(ref: str) -> str:
    """`namespace shop: Deployment/web` of `shop/Deployment/web`."""
    namespace, _, rest = ref.partition("/")
    return f"namespace {namespace}: {rest}" if rest else ref


def _forget_dropped(ctx: Context, refs: Iterable[str]) -> None:
    dropped = ctx.recall(DROPPED) or {}
    left = {ref: why for ref, why in dropped.items() if ref not in set(refs)}
    if left != dropped:
        ctx.revise(DROPPED, left)
