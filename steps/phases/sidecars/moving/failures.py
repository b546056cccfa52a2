"""Workloads that don't get there by themselves: what a person is told, and by which ways it goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from steps.contract.cards import Attachment, Choice
from steps.contract.step import Blocked, Context
from steps.notes.sidecars import recall_refusal
from steps.phases.sidecars.flights.flight import Failing, Flight
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.tally import Tally
from steps.phases.sidecars.moving.remedies import SKIP, advise_failure
from steps.phases.sidecars.moving.taken_back import REMEDY, list_evictable, offer_eviction
from steps.workloads.subject import covers
from steps.workloads.waves import PlannedWorkload

SHOWN = 5


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
