"""One turn of re-injection: look, judge, act, record."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from steps.errors import GiveUp, TryAgain
from steps.ledger import LedgerEntry
from steps.mesh import DisruptionBudget, EvictionRefused, Pod
from steps.sidecars.actions import Action, Begin, Evict, Judged, RestartAgain, choose_actions, count_at_begin
from steps.sidecars.board import (
    CHECKED,
    OPEN_STATES,
    Board,
    is_put_off,
    name_clock,
    name_hold,
    open_flight,
    put_off,
    read_board,
    stamp_workload,
    start_clock,
)
from steps.sidecars.failures import block_on_failures, describe_failure, settle_skipped
from steps.sidecars.flight import (
    Discovered,
    Failing,
    Finished,
    Flight,
    Held,
    Misinjected,
    Ready,
    Underway,
    describe_misinjection,
    judge,
)
from steps.sidecars.guard import find_injection_gap
from steps.sidecars.live_pods import has_target, is_live
from steps.sidecars.lookout import look
from steps.sidecars.pace import (
    add_sample,
    describe_progress,
    load_bucket,
    load_samples,
    measure_progress,
    store_bucket,
    store_samples,
)
from steps.step import Blocked, Context, Progress, Waiting
from steps.waves import PlannedWorkload

PACE = "sidecars/pace"
POLL_SECONDS = 2.0
ACT_SECONDS = 5.0
DETAIL_LINES = 12


@dataclass(frozen=True)
class Settled:
    """Every workload of the wave has ended."""


def move_wave(ctx: Context, refs: Iterable[str]) -> Settled | Waiting | Blocked:
    """Bring the approved workloads a turn further; Settled once none of them has an open pod."""
    board = settle_skipped(ctx, read_board(ctx))
    todo = board.list_open(refs)
    if not todo:
        return Settled()
    checked = ctx.recall(CHECKED) is not None
    chosen = choose_flights(ctx, board, todo, checked)
    sighting = look(ctx, chosen, checked)
    patience = ctx.options.limits.workload_patience_seconds
    judged = [(flight, judge(flight, ctx.now, ctx.release, patience)) for flight in sighting.flights]
    wrong = next((verdict.pod for _, verdict in judged if isinstance(verdict, Misinjected)), None)
    if wrong is not None:
        return _stop(ctx, wrong)
    checked = checked or _check_first(ctx, judged)
    record_verdicts(ctx, judged)
    board = read_board(ctx)
    blocked = block_on_failures(ctx, board, todo, judged)
    if blocked:
        return blocked
    why = _act(ctx, judged, checked)
    board = read_board(ctx)
    blocked = block_on_failures(ctx, board, todo, judged)
    if blocked:
        return blocked
    return _wait(ctx, board, refs, judged, why, sighting.requests)


def choose_flights(
    ctx: Context, board: Board, todo: Sequence[PlannedWorkload], checked: bool
) -> tuple[Flight, ...]:
    """All begun workloads, and as many others in the plan's order as could begin now."""
    flights = [open_flight(ctx, board, planned) for planned in todo]
    begun = [flight for flight in flights if flight.begun]
    moving = sum(1 for flight in begun if not board.has_failed(str(flight.planned.ref)))
    slots = (ctx.options.limits.workloads_at_once or len(flights)) if checked else 1
    # some more than fit: the first may turn out to be held
    wanted = max(0, slots - moving) + (2 if checked and moving < slots else 0)
    waiting = [f for f in flights if not f.begun and not is_put_off(ctx, str(f.planned.ref))]
    # a held workload must not starve the others, and the first to be checked is the smallest
    waiting.sort(key=lambda flight: (flight.clock is not None, 0 if checked else len(flight.entries)))
    return (*begun, *waiting[: min(wanted, 20)])


def _stop(ctx: Context, pod: Pod) -> Blocked:
    return Blocked(
        f"{describe_misinjection(pod, ctx.release)}; nothing more is restarted",
        f"Look at the injector: kubectl -n {ctx.release.namespace} get configmap {ctx.release.injector_config} -o yaml;"
        " mend it, delete that pod, then retry.",
    )


def _check_first(ctx: Context, judged: Sequence[Judged]) -> bool:
    """Whether a pod made by the restart has been seen with the release's sidecar."""
    for flight, _ in judged:
        if not flight.begun:
            continue
        for pod in flight.pods or ():
            if is_live(pod) and pod.uid not in flight.known and has_target(pod, ctx.release):
                ctx.remember(CHECKED, {"pod": f"{pod.namespace}/{pod.name}", "image": pod.proxy_image})
                ctx.say(f"first restarted pod checked: {pod.namespace}/{pod.name} runs {pod.proxy_image}")
                return True
    return False


def record_verdicts(ctx: Context, judged: Iterable[Judged]) -> None:
    """Write what the verdicts mean for the ledger."""
    for flight, verdict in judged:
        match verdict:
            case Finished(entries=entries):
                ctx.ledger.record_entries(entries)
            case Failing():
                reason = describe_failure(flight, verdict)
                ctx.ledger.record_entries(_mark(flight.entries, "failed", reason))
            case Underway() | Ready() | Held():
                ctx.ledger.record_entries(_mark(flight.entries, "pending", ""))
                if isinstance(verdict, Held) and not flight.begun:
                    start_clock(ctx, name_hold(ctx, str(flight.planned.ref)))
            case Discovered(pods=pods):
                ctx.ledger.record_entries(_open_entries(flight, pods))
            case Misinjected():
                pass
            case _:
                assert_never(verdict)


def _mark(entries: Iterable[LedgerEntry], state: str, reason: str) -> list[LedgerEntry]:
    changed = (dataclasses.replace(entry, state=state, reason=reason) for entry in entries)  # type: ignore[arg-type]
    return [new for new, old in zip(changed, entries, strict=True) if new != old]


def _open_entries(flight: Flight, pods: Iterable[Pod]) -> list[LedgerEntry]:
    planned = flight.planned
    return [
        LedgerEntry(pod.uid, pod.namespace, pod.name, str(planned.ref), "pending", wave=planned.wave) for pod in pods
    ]


def _act(ctx: Context, judged: Sequence[Judged], checked: bool) -> str:
    """Carry out the turn's batch; answers why nothing is begun, "" where something may be."""
    limits = ctx.options.limits
    bucket = load_bucket(ctx.recall(PACE), limits.pods_per_minute, ctx.now)
    actions = choose_actions(judged, _list_budgets(ctx, judged), limits, bucket, checked, ctx.release)
    if not actions:
        return ""
    gap = find_injection_gap(ctx, settled=not checked)
    if gap:
        return f"nothing is restarted while {gap}"
    charged = sum(_count_charge(action) for action in actions)
    if limits.pods_per_minute and charged:
        ctx.memory.revise(PACE, store_bucket(bucket.fill(charged)))
    _carry_out(ctx, actions, time.monotonic)
    return ""


def _count_charge(action: Action) -> int:
    match action:
        case Begin(flight=flight):
            return count_at_begin(flight)
        case Evict():
            return 1
        case RestartAgain():
            return 0
        case _:
            assert_never(action)


def _list_budgets(ctx: Context, judged: Sequence[Judged]) -> Mapping[str, tuple[DisruptionBudget, ...]]:
    evicting = [flight for flight, _ in judged if flight.begun and flight.planned.method == "evict"]
    namespaces = {flight.planned.ref.namespace for flight in evicting}
    return {namespace: ctx.kubernetes.list_disruption_budgets(namespace) for namespace in sorted(namespaces)}


def _carry_out(ctx: Context, actions: Sequence[Action], clock: Callable[[], float]) -> None:
    """One call after the other for 5 s at most; what a call refuses is put off for its workload alone."""
    end = clock() + ACT_SECONDS
    for action in actions:
        if clock() > end:
            return
        ref = str(action.flight.planned.ref)
        if is_put_off(ctx, ref):
            continue
        try:
            _call(ctx, action)
        except TryAgain as fault:
            put_off(ctx, ref, fault.retry_in)
        except GiveUp as fault:
            put_off(ctx, ref, None)
            ctx.ledger.record_entries(_mark(action.flight.entries, "failed", f"{fault.why} ({fault.remedy})"))


def _call(ctx: Context, action: Action) -> None:
    planned = action.flight.planned
    workload = action.flight.workload
    version = workload.resource_version if workload else ""
    match action:
        case Begin():
            stamp = stamp_workload(ctx, planned)
            start_clock(ctx, name_clock(ctx, str(planned.ref)))
            if planned.method != "evict":
                ctx.kubernetes.restart_workload(planned.ref, stamp, version)
        case RestartAgain(flight=flight):
            ctx.kubernetes.restart_workload(planned.ref, flight.stamp, version)
        case Evict(pod=pod):
            answer = ctx.kubernetes.evict_pod(pod.namespace, pod.name, pod.uid)
            if isinstance(answer, EvictionRefused):
                _refuse(ctx, action, answer)
        case _:
            assert_never(action)


def _refuse(ctx: Context, action: Evict, answer: EvictionRefused) -> None:
    if answer.permanent:
        raise GiveUp(answer.why, "leave one disruption budget for these pods")
    raise TryAgain(answer.why)


def _wait(
    ctx: Context, board: Board, refs: Iterable[str], judged: Sequence[Judged], why: str, requests: float
) -> Waiting:
    progress = _measure(ctx, board, set(refs), judged)
    sentence = describe_progress(progress)
    return Waiting(
        f"{sentence}; {why}" if why else sentence,
        retry_in=max(POLL_SECONDS, requests),
        progress=progress,
        details=tuple(_list_details(judged)),
    )


def _measure(ctx: Context, board: Board, refs: set[str], judged: Sequence[Judged]) -> Progress:
    entries = [entry for entry in board.list_all() if entry.workload in refs]
    counted = [entry for entry in entries if entry.state not in ("manual", "skipped")]
    closed = sum(1 for entry in counted if entry.state not in OPEN_STATES)
    done = closed + sum(verdict.done for _, verdict in judged if isinstance(verdict, Underway))
    key = f"sidecars/samples/{ctx.step_id}"
    kept = load_samples(ctx.recall(key))
    samples = add_sample(kept, ctx.now, done)
    if samples != kept:
        ctx.memory.revise(key, store_samples(samples))
    return measure_progress(samples, done, len(counted), ctx.now)


def _list_details(judged: Sequence[Judged]) -> Iterable[str]:
    for flight, verdict in judged[:DETAIL_LINES]:
        ref, total = flight.planned.ref, len(flight.entries)
        match verdict:
            case Underway(done=done) if flight.begun:
                yield f"{ref}: {done}/{total}"
            case Held(why=why):
                yield f"{ref}: waits, {why}"
            case Failing(why=why):
                yield f"{ref}: failing, {why}"
            case _:
                pass
