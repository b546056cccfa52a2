"""Workloads that don't get there by themselves: what a person is told, and what Retry and Skip do."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from steps.contract.cards import Attachment, Choice
from steps.contract.ledger import LedgerEntry
from steps.contract.step import Blocked, Context
from steps.mesh import WorkloadRef
from steps.notes.sidecars import SKIPPED, read_refusal
from steps.phases.sidecars.flights.actions import Judged
from steps.phases.sidecars.flights.flight import Failing, Flight
from steps.phases.sidecars.flights.lookout import look
from steps.phases.sidecars.flights.recording import settle_ready
from steps.phases.sidecars.flights.tally import OPEN_STATES, Tally
from steps.workloads.causes import advise
from steps.workloads.risk import covers
from steps.workloads.waves import PlannedWorkload

SHOWN = 5
# Reasons name a pod as `new pod NAME does not start: …` or `…; NAME: …`.
_POD = re.compile(r"(?:new pod |; )([a-z0-9][a-z0-9.-]*)(?: does not start)?: ")


def block_on_failures(
    ctx: Context, tally: Tally, todo: Sequence[PlannedWorkload], judged: Sequence[Judged]
) -> Blocked | None:
    """Blocked once the failure budget is used up, or once nothing but failed workloads is left."""
    failed = [planned for planned in todo if tally.has_failed(str(planned.ref))]
    moving = [planned for planned in todo if tally.has_open(str(planned.ref)) and planned not in failed]
    budget = max(1, ctx.options.limits.failure_budget)
    if not failed or (moving and len(failed) < budget):
        return None
    reason = explain_failure(ctx, tally, failed[0])
    names = ", ".join(str(planned.ref) for planned in failed[:SHOWN])
    more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
    verdicts = [(flight, verdict) for flight, verdict in judged if isinstance(verdict, Failing)]
    return Blocked(
        f"{names}{more} can't be re-injected: {reason}",
        _advise(reason, failed[0].ref),
        (_offer_skip(len(failed)),),
        tuple(attach_events(ctx, flight, verdict) for flight, verdict in verdicts[:SHOWN]),
    )


def _advise(reason: str, ref: WorkloadRef) -> str:
    """The remedy that the reason calls for, and the ways on."""
    first = advise(reason, ref.namespace, find_subject(reason) or ref.name)
    mend = f"{first} Then retry" if first else "Mend it and retry"
    return f"{mend}, or skip it: its pods keep what they have now and are listed as skipped."


def find_subject(reason: str) -> str:
    """The pod that a reason begins by or names as new, "" where it names none."""
    found = _POD.search(reason)
    return found[1] if found else ""


def explain_failure(ctx: Context, tally: Tally, planned: PlannedWorkload) -> str:
    """Why the workload failed; for evictions also what refuses them."""
    failed = next(entry for entry in tally.list_entries(str(planned.ref)) if entry.state == "failed")
    if planned.method != "evict":
        return failed.reason
    budgets = ctx.kubernetes.list_disruption_budgets(planned.ref.namespace)
    pods = [pod for pod in ctx.kubernetes.list_pods(planned.ref.namespace) if pod.uid == failed.uid]
    stuck = [b.name for b in budgets if not b.disruptions_allowed and any(covers(b, pod.labels) for pod in pods)]
    refused = read_refusal(ctx, str(planned.ref))
    if stuck:
        refused = f"disruption budget {', '.join(stuck)} allows no eviction"
    return "; ".join(dict.fromkeys(part for part in (failed.reason, refused) if part))


def _offer_skip(count: int) -> Choice:
    label = "Skip it" if count == 1 else f"Skip {count} workloads"
    return Choice("skip", label, "grave", needs_reason=True)


def attach_events(ctx: Context, flight: Flight, verdict: Failing) -> Attachment:
    """The failing workload's events, and those and the last state of its troubled pods."""
    ref = flight.planned.ref
    lines = [f"{ref}: {verdict.why}", *_list_events(ctx, ref.namespace, ref.kind, ref.name)]
    for pod in verdict.pods:
        lines.append(f"{pod.name}: {pod.phase}, {pod.ready}/{pod.total} ready, {pod.restarts} restarts; {pod.problem}")
        lines.extend(_list_events(ctx, pod.namespace, "Pod", pod.name))
    return Attachment(f"{ref.namespace}-{ref.name}-events.txt", "\n".join(lines) + "\n")


def _list_events(ctx: Context, namespace: str, kind: str, name: str) -> Iterable[str]:
    for event in ctx.kubernetes.read_events(namespace, kind, name)[-SHOWN:]:
        yield f"  {event.kind} {event.reason} (x{event.count}): {event.message}"


def settle_skipped(ctx: Context, tally: Tally) -> None:
    """Carry out a Skip: replaced pods of the failed workloads count as upgraded, the others as skipped.

    The workloads are those that had failed when the decision was first seen; a later failure needs its own.
    """
    decision = ctx.decision
    if decision is None or decision.choice != "skip":
        return
    failing = tuple(str(one.ref) for one in tally.workloads if tally.has_failed(str(one.ref)))
    chosen = ctx.remember(SKIPPED.of(ctx.step_id, ctx.generation), failing)
    todo = [planned for planned in tally.workloads if str(planned.ref) in chosen and tally.has_open(str(planned.ref))]
    flights = [_describe_flight(tally, planned) for planned in todo]
    for flight in look(ctx, flights, checked=False).flights:
        tally.record(skip_entries(ctx, flight, decision.by, decision.reason))


def _describe_flight(tally: Tally, planned: PlannedWorkload) -> Flight:
    entries = tally.list_entries(str(planned.ref))
    open_entries = tuple(entry for entry in entries if entry.state in OPEN_STATES)
    return Flight(planned, open_entries, {entry.uid: entry for entry in entries})


def skip_entries(ctx: Context, flight: Flight, by: str, reason: str) -> list[LedgerEntry]:
    """Where each open pod of a skipped workload ends."""
    settled = settle_ready(ctx, flight)
    done = {entry.uid for entry in settled}
    left = (entry for entry in flight.entries if entry.uid not in done)
    skipped = (
        dataclasses.replace(entry, state="skipped", by=by, reason=reason or entry.reason, evidence=entry.reason)
        for entry in left
    )
    return [*settled, *skipped]
