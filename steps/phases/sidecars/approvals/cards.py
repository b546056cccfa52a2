"""What a person is shown about the sidecars phase."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from steps.contract.cards import Attachment, Card, Detail
from steps.contract.ledger import EntryState, LedgerEntry, count_entries, describe_left_pods
from steps.contract.step import Context
from steps.contract.wording import count_things, describe_seconds
from steps.mesh import WorkloadRef
from steps.notes.way_back import name_moved, name_sidecar
from steps.phases.sidecars.flights.remaining import prefer_seen
from steps.phases.sidecars.flights.watching import describe_watched
from steps.workloads.estimate import describe_sidecars
from steps.workloads.method import Method
from steps.workloads.risk import describe_shared
from steps.workloads.subject import Risk
from steps.workloads.waves import Planned, PlannedWorkload

METHODS: Mapping[Method, str] = {
    "restart": "rollout restart",
    "restart-at": "restart by Argo Rollouts",
    "evict": "eviction, honouring disruption budgets",
    "manual": "by hand",
}
RISKS_SHOWN = 10
LEFT_SHOWN = 20


def build_plan_card(ctx: Context, planned: Planned, workloads: Sequence[PlannedWorkload], title: str) -> Card:
    """The workloads of a gate with method and risk, and what the bot will not do."""
    pods = sum(one.pods for one in workloads)
    moving = [one for one in workloads if one.pods]
    left = {entry.workload for entry in planned.entries if entry.state == "manual"}
    by_hand = [one for one in workloads if str(one.ref) in left]
    return Card(
        title=f"{title}: {ctx.cluster.key}",
        summary=(
            f"{count_things(pods, 'pod')} in {count_things(len(moving), 'workload')} {'gets' if pods == 1 else 'get'} "
            f"the sidecar of {ctx.release.version}.",
            "Every pod that starts from now on already gets it, whatever is decided here.",
            *planned.unknown,
        ),
        facts=(
            *((METHODS[method], _count(moving, method)) for method in METHODS if _count(moving, method)),
            ("left to a person", count_things(len(by_hand), "workload") if by_hand else "none"),
            ("not counted", describe_left_out(planned) or "none"),
            ("limits", describe_limits(ctx)),
            *(("canary watched", line) for line in describe_watched(ctx)),
        ),
        risks=(*ctx.release.warnings, *_list_risks(planned.risks, workloads)),
        details=(*_list_waves(workloads, planned.risks),),
        estimate=_describe_estimate(ctx, moving),
    )


def _describe_estimate(ctx: Context, moving: Sequence[PlannedWorkload]) -> str:
    return describe_sidecars(ctx.release, [one.piece for one in moving], ctx.options, prefer_seen(ctx, ctx.forecast()))


def _count(workloads: Sequence[PlannedWorkload], method: Method) -> str:
    own = [one for one in workloads if one.method == method]
    return describe_size(own) if own else ""


def describe_size(workloads: Sequence[PlannedWorkload]) -> str:
    """`2 workloads, 1 pod`."""
    pods = sum(one.pods for one in workloads)
    return f"{count_things(len(workloads), 'workload')}, {count_things(pods, 'pod')}"


def describe_left_out(planned: Planned) -> str:
    """`12 control plane, 3 without sidecar`: pods that are nobody's business in this phase."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(planned.left_out.items()) if count)


def describe_limits(ctx: Context) -> str:
    """The limits in force, in words."""
    limits = ctx.options.limits
    parts = (
        f"{count_things(limits.workloads_at_once, 'workload')} at once"
        if limits.workloads_at_once
        else "all workloads at once",
        f"{limits.pods_per_minute} pods/min at most" if limits.pods_per_minute else "no pace limit",
        f"soak {describe_seconds(limits.soak_seconds)} after each wave" if limits.soak_seconds else "",
        f"the canary is watched for {describe_seconds(ctx.options.canary_soak_seconds)}"
        if ctx.options.canary_soak_seconds and ctx.options.canary_namespaces
        else "",
        describe_budget(limits.failure_budget),
    )
    return ", ".join(part for part in parts if part)


def describe_budget(failures: int) -> str:
    """`stops at the first failing workload`: 0 is read as 1."""
    return "stops at the first failing workload" if failures <= 1 else f"stops once {failures} workloads fail"


def _list_risks(risks: Mapping[WorkloadRef, Sequence[Risk]], workloads: Sequence[PlannedWorkload]) -> Iterable[str]:
    """The risks that deserve a look, worst first."""
    telling = [
        (risk, one.ref) for level in ("outage", "care") for one in workloads for risk in risks.get(one.ref, ())
        if risk.level == level
    ]  # fmt: skip
    yield from (f"{ref}: {risk.sentence}" for risk, ref in telling[:RISKS_SHOWN])
    if len(telling) > RISKS_SHOWN:
        yield f"and {len(telling) - RISKS_SHOWN} more, see the waves"
    yield from describe_shared({one.ref: risks.get(one.ref, ()) for one in workloads})[:RISKS_SHOWN]


def _list_waves(workloads: Sequence[PlannedWorkload], risks: Mapping[WorkloadRef, Sequence[Risk]]) -> Iterable[Detail]:
    waves: dict[str, list[PlannedWorkload]] = {}
    for one in workloads:
        if one.pods or one.risks:
            waves.setdefault(one.wave, []).append(one)
    for wave, own in waves.items():
        yield Detail(f"{wave}: {_describe_wave(own)}", tuple(_describe(one, risks) for one in own))


def _describe_wave(own: Sequence[PlannedWorkload]) -> str:
    moving = [one for one in own if one.pods]
    left = count_things(len(own) - len(moving), "workload") + " left to a person"
    if not moving:
        return left
    return describe_size(moving) + (f", {left}" if len(moving) < len(own) else "")


def _describe(one: PlannedWorkload, risks: Mapping[WorkloadRef, Sequence[Risk]]) -> str:
    kinds = ", ".join(dict.fromkeys(risk.kind for risk in risks.get(one.ref, ())))
    pods = f"{count_things(one.pods, 'pod')}, {METHODS[one.method]}" if one.pods else METHODS["manual"]
    return f"{one.ref}: {pods}" + (f" ({kinds})" if kinds else "")


def describe_ledger(ctx: Context, entries: Iterable[LedgerEntry]) -> str:
    """`497 upgraded + 2 manual + 1 skipped + 0 gone + 0 failed = 500 pods`; pending only while there are any."""
    counts = count_entries(entries)
    others: tuple[EntryState, ...] = ("manual", "skipped", "gone", "failed")
    shown = (*others, "pending") if counts["pending"] else others
    parts = (f"{counts['upgraded']} {name_moved(ctx)}", *(f"{counts[state]} {state}" for state in shown))
    return f"{' + '.join(parts)} = {count_things(sum(counts.values()), 'pod')}"


def describe_nothing(ctx: Context, entries: Iterable[LedgerEntry], where: str = "") -> str:
    """`nothing to restart; 58 pods keep the old sidecar: 2 by hand, 56 skipped`: why nothing is asked about them."""
    counts = count_entries(entries)
    place = f" {where}" if where else ""
    left = describe_left_pods(counts, name_sidecar(ctx))
    if left:
        return f"nothing to restart{place}; {left}"
    if not sum(counts.values()):
        return f"nothing to restart: no pod{place} has a sidecar or should have one"
    return f"nothing to restart: no pod{place} has {name_sidecar(ctx)}"


def list_left(entries: Iterable[LedgerEntry]) -> Mapping[str, tuple[str, ...]]:
    """Manual and skipped pods by workload, each line with its reason and the command to run."""
    left: dict[str, list[str]] = {}
    for entry in entries:
        if entry.state == "manual":
            left.setdefault(entry.workload, []).append(f"{entry.pod}: {entry.reason} — {entry.command}")
        if entry.state == "skipped":
            later = f" — later: {entry.command}" if entry.command else ""
            left.setdefault(entry.workload, []).append(f"{entry.pod}: skipped by {entry.by}: {entry.reason}{later}")
    return {ref: tuple(lines) for ref, lines in sorted(left.items())}


def build_left_card(ctx: Context, entries: Sequence[LedgerEntry], left: Mapping[str, Sequence[str]]) -> Card:
    """The pods that keep an old sidecar, by workload, each with its reason and command."""
    shown = list(left.items())[:LEFT_SHOWN]
    more = (
        (f"and {count_things(len(left) - LEFT_SHOWN, 'more workload')}, see the ledger",)
        if len(left) > LEFT_SHOWN
        else ()
    )
    return Card(
        title=f"Left to a person: {ctx.cluster.key}",
        summary=(describe_ledger(ctx, entries), *more),
        risks=ctx.release.warnings,
        details=tuple(Detail(ref, tuple(lines[:LEFT_SHOWN])) for ref, lines in shown),
    )


def attach_ledger(entries: Sequence[LedgerEntry]) -> Attachment:
    """The ledger as a CSV file for the thread."""
    names = [one.name for one in fields(LedgerEntry)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([getattr(entry, name) for name in names] for entry in entries)
    return Attachment("sidecars-ledger.csv", text.getvalue())
