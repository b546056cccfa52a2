"""What the events of the control plane's workloads say where no condition and no pod gives a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from steps.contract.step import Context
from steps.mesh import Event, Pod, Workload
from steps.workloads.causes import advise, choose_words, find_cause
from steps.workloads.stalls import Stall

# A pod that starts in its ordinary time says nothing either; of the others a few are asked a turn.
SILENT = timedelta(seconds=60)
ASKED_A_TURN = 2
RECENT = timedelta(minutes=2)


def ask_silent(ctx: Context, workloads: Iterable[Workload], pods: Iterable[Pod]) -> tuple[Stall, ...]:
    """The stalls that events alone tell of: they are told while the phase waits, and end no wait by themselves."""
    if ctx.now - ctx.waiting_since < SILENT:
        return ()
    subjects = [*_list_silent(pods, ctx.now), *_list_podless(workloads)][:ASKED_A_TURN]
    found = (_read_stall(ctx, kind, name) for kind, name in subjects)
    return tuple(stall for stall in found if stall is not None)


def _list_silent(pods: Iterable[Pod], now: datetime) -> Iterator[tuple[str, str]]:
    """Pods that have been coming up for long without a word, as when a volume is not there."""
    for pod in pods:
        young = now - pod.created < SILENT
        if pod.phase == "Pending" and not (pod.problem or pod.terminating or young):
            yield "Pod", pod.name


def _list_podless(workloads: Iterable[Workload]) -> Iterator[tuple[str, str]]:
    """Workloads of the kinds that tell of pods they can't make by events alone."""
    for workload in workloads:
        if workload.ref.kind in ("DaemonSet", "StatefulSet") and workload.current < workload.replicas:
            yield workload.ref.kind, workload.ref.name


def _read_stall(ctx: Context, kind: str, name: str) -> Stall | None:
    space = ctx.release.namespace
    words = choose_words(event for event in ctx.kubernetes.read_events(space, kind, name) if _is_recent(event, ctx.now))
    if not words:
        return None
    cause = find_cause(words)
    remedy = advise(words, space, name) or f"kubectl -n {space} describe {kind.lower()} {name}"
    return Stall(cause.kind if cause else "readiness", f"{name}: {words}", remedy, name)


def _is_recent(event: Event, now: datetime) -> bool:
    return event.at is None or now - event.at <= RECENT
