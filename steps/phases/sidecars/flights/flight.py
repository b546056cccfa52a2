"""One workload on its way to the new sidecar: what was seen of it, and what follows from that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from steps.contract.ledger import LedgerEntry
from steps.contract.release import Release
from steps.contract.wording import describe_seconds
from steps.mesh import Pod, Workload
from steps.phases.sidecars.flights.settlement import orphan_entries, settle_entries
from steps.workloads.causes import needs_person
from steps.workloads.injection import PINNED_IMAGE, describe_version, has_target
from steps.workloads.inventory import is_finished, is_live
from steps.workloads.method import keeps_revision
from steps.workloads.risk import is_rolling
from steps.workloads.rollout import count_moved, is_rolled_out, is_stamped, scale_patience
from steps.workloads.waves import PlannedWorkload

# time that a fault may need to show up as one, or to pass by itself after a retry
GRACE = timedelta(seconds=60)
TROUBLE_LOOK = timedelta(seconds=45)
CRASHES = 3
# as long as new pods come a workload is slow and not stuck, up to so many times its patience
MOST_PATIENCE = 10
# An owner that undoes a restart does so each time, and each time all pods roll twice.
MOST_SENT = 2
FOREIGN_ROLLOUT = "a rollout that somebody else began is still in progress"
_BROKEN_IMAGE = ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError")


@dataclass(frozen=True)
class Flight:
    """A workload in its wave, with what this turn saw of it.

    `stamp` is "" until it was begun; `clock` is when the present attempt began, or since when it is held; `fresh`
    means that this attempt may stamp it anew; `sent` counts how often this attempt sent the restart. `entries` are
    those of its ledger entries that are still open, `known` all of them by uid. `workload` is None where it is gone;
    `pods` is None where this turn did not look at them. `nodes` are those on which a DaemonSet's pods stood, by uid.
    `words` are those of its events while it stands still, `refusal` is why the last call for it was refused.
    """

    planned: PlannedWorkload
    entries: tuple[LedgerEntry, ...]
    known: Mapping[str, LedgerEntry]
    stamp: str = ""
    clock: datetime | None = None
    workload: Workload | None = None
    pods: tuple[Pod, ...] | None = None
    fresh: bool = False
    sent: int = 0
    words: str = ""
    refusal: str = ""
    nodes: Mapping[str, str] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether the bot has begun to move the workload."""
        return bool(self.stamp)


@dataclass(frozen=True)
class Held:
    """Not to be begun yet, or not looked at."""

    why: str


@dataclass(frozen=True)
class Ready:
    """May be begun now."""


@dataclass(frozen=True)
class Underway:
    """On its way; `done` of its open pods have the new sidecar and are ready.

    `again`: the stamped restart is not in place. `anew`: it is, it has ended, and old pods are left all the same.
    """

    done: int
    again: bool = False
    anew: bool = False


@dataclass(frozen=True)
class Finished:
    """Every pod of it has ended somewhere; `entries` say where."""

    entries: tuple[LedgerEntry, ...]


@dataclass(frozen=True)
class Failing:
    """It does not get there by itself; `pods` show why. `taken_back`: somebody undoes its restart each time."""

    why: str
    pods: tuple[Pod, ...] = ()
    taken_back: bool = False


@dataclass(frozen=True)
class Misinjected:
    """Pods made by the restart have another sidecar than the release's."""

    pods: tuple[Pod, ...]


@dataclass(frozen=True)
class Discovered:
    """Pods that need the new sidecar and are in no ledger entry yet."""

    pods: tuple[Pod, ...]


@dataclass(frozen=True)
class Changed:
    """Nothing of it is in flight, and it was changed so that its approved method would do harm now."""

    why: str


Verdict: TypeAlias = Held | Ready | Underway | Finished | Failing | Misinjected | Discovered | Changed


def wants_pods(flight: Flight, now: datetime, checked: bool, patience: float) -> bool:
    """Whether the flight can't be judged by its controller's status alone. `patience` as for `judge`."""
    workload = flight.workload
    if not flight.begun or workload is None or not checked or flight.planned.method != "restart":
        return True
    if not is_in_place(flight) or is_rolled_out(workload) or workload.failure or workload.stalled or workload.paused:
        return True
    unready = workload.available < workload.replicas or workload.updated > count_moved(workload)
    return (unready and _is_past(flight, now, TROUBLE_LOOK)) or _is_past(flight, now, _allow(flight, patience))


def is_in_place(flight: Flight) -> bool:
    """Whether the restart that the bot stamped, or a later one, stands in the workload."""
    if flight.planned.method == "evict":
        return True
    return flight.workload is not None and is_stamped(flight.workload, flight.stamp)


def judge(flight: Flight, now: datetime, release: Release, patience: float) -> Verdict:
    """What follows from what was seen. `patience` is in seconds, before it is scaled by the workload's size."""
    if flight.pods is None:
        return _judge_by_status(flight)
    live = tuple(pod for pod in flight.pods if is_live(pod))
    strangers = tuple(pod for pod in live if pod.uid not in flight.known and not _is_settled(pod, release))
    if strangers and flight.workload is not None:
        settled = flight.begun and is_in_place(flight)
        return Misinjected(strangers) if settled else Discovered(strangers)
    opened = {entry.uid for entry in flight.entries}
    old = [pod for pod in live if pod.uid in opened and not has_target(pod, release)]
    if not old:
        return _judge_replaced(flight, live, now, release, patience)
    if flight.workload is None:
        return Finished(orphan_entries(flight.entries, live, release))
    changed = find_harmful_change(flight, old)
    if changed:
        return Failing(changed) if flight.begun and is_in_place(flight) else Changed(changed)
    if not flight.begun:
        return _judge_unbegun(flight, flight.workload, now, patience)
    return _judge_moving(flight, flight.workload, live, now, release, patience)


def _is_settled(pod: Pod, release: Release) -> bool:
    return has_target(pod, release) or PINNED_IMAGE in pod.annotations


def find_harmful_change(flight: Flight, old: Iterable[Pod]) -> str:
    """What was changed since the approval so that its method would do harm now, "" where nothing was."""
    workload = flight.workload
    if workload is None:
        return ""
    if flight.planned.method == "evict":
        moved = next((pod for pod in old if not keeps_revision(pod, workload)), None)
        return f"{moved.name} would come back with another revision of the template" if moved else ""
    if workload.paused:
        return "its rollout is paused"
    if workload.strategy == "OnDelete" and workload.ref.kind != "Rollout":
        return "its update strategy is OnDelete by now"
    return f"a partition of {workload.partition} was set" if workload.partition else ""


def _judge_by_status(flight: Flight) -> Verdict:
    if not flight.begun or flight.workload is None:
        return Held("not looked at yet")
    upgraded = sum(1 for entry in flight.known.values() if entry.state == "upgraded")
    done = max(0, count_moved(flight.workload) - upgraded)
    return Underway(min(done, len(flight.entries)))


def _judge_unbegun(flight: Flight, workload: Workload, now: datetime, patience: float) -> Verdict:
    if flight.planned.method != "restart" or not is_rolling(workload):
        return Ready()
    late = find_lateness(flight, now, patience)
    return Failing(f"a rollout that somebody else began is {late}") if late else Held(FOREIGN_ROLLOUT)


def _judge_replaced(flight: Flight, live: Sequence[Pod], now: datetime, release: Release, patience: float) -> Verdict:
    """No pod that is the bot's to move is left: finished as soon as as many pods stand as the workload wants."""
    workload = flight.workload
    moved = [pod for pod in live if has_target(pod, release)]
    if workload is None or sum(pod.is_ready for pod in live) >= workload.replicas:
        settled = settle_flight(flight, release, now, final=True)
        if len(settled) == len(flight.entries):
            return Finished(settled)
    fault = _find_fault(flight, moved, now, patience)
    if fault:
        return Failing(fault, (*list_overdue(flight, now), *_pick_troubled(moved)))
    if not flight.begun:
        return Held("its pods were replaced meanwhile and are not ready yet")
    return Underway(count_done(flight, release, now))


def _judge_moving(
    flight: Flight, workload: Workload, live: Sequence[Pod], now: datetime, release: Release, patience: float
) -> Verdict:
    placed = is_in_place(flight)
    if not placed and flight.sent >= MOST_SENT:
        return Failing(f"its restart was sent {flight.sent} times and taken back each time", taken_back=True)
    moved = [pod for pod in live if has_target(pod, release)]
    fault = _find_fault(flight, moved, now, patience)
    if fault:
        return Failing(fault, (*list_overdue(flight, now), *_pick_troubled(live)))
    idle = flight.planned.method == "restart" and placed and is_rolled_out(workload)
    return Underway(count_done(flight, release, now), again=not placed, anew=idle and flight.fresh)


def count_done(flight: Flight, release: Release, now: datetime) -> int:
    """How many open entries have a ready replacement."""
    return len(settle_flight(flight, release, now, final=False))


def settle_flight(flight: Flight, release: Release, now: datetime, *, final: bool) -> tuple[LedgerEntry, ...]:
    """The open entries that have ended by what this turn saw; before the end only a ready replacement counts."""
    pods = [pod for pod in flight.pods or () if not is_finished(pod)]
    overdue = {pod.uid for pod in list_overdue(flight, now)}
    return settle_entries(
        flight.entries, flight.known.values(), pods, release,
        final=final, ready_only=not final, nodes=flight.nodes, overdue=overdue,
    )  # fmt: skip


def list_overdue(flight: Flight, now: datetime) -> tuple[Pod, ...]:
    """Pods of open entries that should have ended a while ago and are still there: a node or a finalizer holds them."""
    opened = {entry.uid for entry in flight.entries}
    return tuple(pod for pod in flight.pods or () if pod.uid in opened and pod.leave_by and now - pod.leave_by > GRACE)


def _find_fault(flight: Flight, moved: Sequence[Pod], now: datetime, patience: float) -> str:
    """Why a begun workload does not get there, "" while it may; `moved` are its live pods with the new sidecar."""
    coming = _is_coming(flight, moved, now, patience)
    late = "" if coming else find_lateness(flight, now, patience)
    return _find_controller_fault(flight, coming, now) or _find_pod_fault(flight, moved, now) or late


def _is_coming(flight: Flight, moved: Iterable[Pod], now: datetime, patience: float) -> bool:
    """Whether the present attempt has made a new pod lately."""
    made = max((pod.created for pod in moved if pod.uid not in flight.known), default=None)
    if made is None or flight.clock is None or made < flight.clock:
        return False
    lately = now - made <= timedelta(seconds=patience)
    return lately and not _is_past(flight, now, MOST_PATIENCE * _allow(flight, patience))


def _find_controller_fault(flight: Flight, coming: bool, now: datetime) -> str:
    workload = flight.workload
    if workload is None or flight.planned.method == "evict" or not _is_past(flight, now, GRACE):
        return ""
    # an injector that is away comes back by itself or is told by lateness, and under a tight quota pods come one for
    # one as old ones go; everything else needs a person
    if workload.failure and not _is_webhook_away(workload.failure) and not coming:
        return _say_refused(workload.failure)
    if needs_person(flight.words) and not coming:
        return _say_refused(flight.words)
    return "its rollout exceeded its progress deadline" if workload.stalled else ""


def _say_refused(words: str) -> str:
    return f"its controller can't {'delete' if words.startswith('FailedDelete') else 'create'} pods: {words}"


def _find_pod_fault(flight: Flight, moved: Iterable[Pod], now: datetime) -> str:
    if not _is_past(flight, now, GRACE):
        return ""
    for pod in moved:
        # a pod of this moment may still find its image and its configuration
        if pod.is_ready or now - pod.created <= GRACE:
            continue
        crashing = "CrashLoopBackOff" in pod.problem and pod.restarts >= CRASHES
        if crashing or any(word in pod.problem for word in _BROKEN_IMAGE):
            return f"new pod {pod.name} does not start: {pod.problem}"
    return ""


def find_lateness(flight: Flight, now: datetime, patience: float) -> str:
    """A sentence where the workload took longer than its size and strategy explain, "" otherwise."""
    allowed = _allow(flight, patience)
    if not _is_past(flight, now, allowed):
        return ""
    passed = now - (flight.clock or now)
    late = f"not done after {describe_seconds(passed.total_seconds())}"
    failure = flight.workload.failure if flight.workload else ""
    overdue = (_describe_overdue(pod, now) for pod in list_overdue(flight, now))
    reason = failure or next(overdue, "")
    return f"{late}: {reason}" if reason else late


def _describe_overdue(pod: Pod, now: datetime) -> str:
    late = describe_seconds((now - (pod.leave_by or now)).total_seconds())
    return f"{pod.name} on {pod.node} should have ended {late} ago and is still terminating"


def _allow(flight: Flight, patience: float) -> timedelta:
    return scale_patience(flight.workload, len(flight.entries), patience, flight.planned.rounds)


def _is_webhook_away(failure: str) -> bool:
    return "failed calling webhook" in failure


def _is_past(flight: Flight, now: datetime, span: timedelta) -> bool:
    return flight.clock is not None and now - flight.clock > span


def _pick_troubled(pods: Iterable[Pod]) -> tuple[Pod, ...]:
    unready = (pod for pod in pods if not pod.is_ready)
    return tuple(sorted(unready, key=lambda pod: (not pod.problem, pod.name)))[:3]


def describe_misinjection(pod: Pod, release: Release) -> str:
    """The sentence for a pod with the wrong sidecar."""
    found = describe_version(pod.proxy_image) if pod.proxy_image else "no sidecar"
    return f"the injector gave {pod.namespace}/{pod.name} {found} instead of {release.version}"
