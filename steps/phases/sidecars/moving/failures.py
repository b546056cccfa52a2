"""Workloads that don't get there by themselves: what a person is told, and by which ways it goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from steps.contract.cards import Attachment, Choice
from steps.contract.step import Blocked, Context
from steps.mesh import WorkloadRef
from steps.notes.sidecars import recall_refusal
from steps.phases.sidecars.flights.flight import Failing, Flight
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.reasons import list_unready
from steps.phases.sidecars.flights.tally import Tally
from steps.phases.sidecars.moving.taken_back import REMEDY, list_evictable, offer_eviction
from steps.workloads.causes import advise
from steps.workloads.subject import covers
from steps.workloads.waves import PlannedWorkload

SHOWN = 5
SKIP = (
    "skip it: its pods keep what they have now and are listed as skipped, and a restart that has moved no pod is taken"
    " back."
)
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
    evictable = list_evictable(ctx, failed)
    names = ", ".join(str(planned.ref) for planned in failed[:SHOWN])
    more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
    verdicts = [(flight, verdict) for flight, verdict in judged if isinstance(verdict, Failing)]
    return Blocked(
        f"{names}{more} can't be re-injected: {reason}",
        f"{REMEDY} Or {SKIP}" if evictable else advise_failure(reason, failed[0].ref, judged),
        (*([offer_eviction(len(evictable))] if evictable else []), _offer_skip(len(failed))),
        tuple(attach_failure(ctx, flight, verdict) for flight, verdict in verdicts[:SHOWN]),
    )


def explain_failure(ctx: Context, tally: Tally, planned: PlannedWorkload) -> str:
    """Why the workload failed; for evictions also what refuses them."""
    failed = next(entry for entry in tally.list_entries(str(planned.ref)) if entry.state == "failed")
    if planned.method != "evict":
        return failed.reason
    budgets = ctx.kubernetes.list_disruption_budgets(planned.ref.namespace)
    pods = [pod for pod in ctx.kubernetes.list_pods(planned.ref.namespace) if pod.uid == failed.uid]
    stuck = [b.name for b in budgets if not b.disruptions_allowed and any(covers(b, pod.labels) for pod in pods)]
    refused = recall_refusal(ctx, str(planned.ref))
    if stuck:
        refused = f"disruption budget {', '.join(stuck)} allows no eviction"
    return failed.reason if refused in failed.reason else f"{failed.reason}; {refused}"


def _offer_skip(count: int) -> Choice:
    label = "Skip it" if count == 1 else f"Skip {count} workloads"
    return Choice("skip", label, "grave", needs_reason=True)


def attach_failure(ctx: Context, flight: Flight, verdict: Failing) -> Attachment:
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


def advise_failure(reason: str, ref: WorkloadRef, judged: Sequence[Judged]) -> str:
    """The remedy that the reason calls for, and the ways on."""
    first = f"{advise(reason, ref.namespace, find_subject(reason) or ref.name)}{_advise_ordered(ref, judged)}".strip()
    return f"{first} Then retry, or {SKIP}" if first else f"Mend it and retry, or {SKIP}"


def find_subject(reason: str) -> str:
    """The pod that a reason names, "" where it names none."""
    found = _POD.search(reason)
    return found[1] if found else ""


def _advise_ordered(ref: WorkloadRef, judged: Sequence[Judged]) -> str:
    """An OrderedReady StatefulSet waits for a broken pod for ever, also once its template is mended."""
    flight = next((flight for flight, _ in judged if flight.planned.ref == ref), None)
    if flight is None or flight.workload is None or not flight.workload.ordered:
        return ""
    broken = next((pod for pod in list_unready(flight) if pod.uid not in flight.known), None)
    if broken is None:
        return ""
    return (
        f" Where it is the template that has to be mended, delete the broken pod afterwards too, as a StatefulSet"
        f" that is OrderedReady waits for it: kubectl -n {ref.namespace} delete pod {broken.name}."
    )
