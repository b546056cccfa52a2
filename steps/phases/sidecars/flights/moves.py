"""What to do about the flights this turn: which workloads to begin, which pods to evict. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from steps.contract.options import Limits
from steps.contract.release import Release
from steps.mesh import DisruptionBudget, Pod
from steps.phases.sidecars.flights.flight import Flight, Ready, Underway, Verdict
from steps.phases.sidecars.flights.pace import Bucket
from steps.workloads.injection import has_target
from steps.workloads.inventory import is_live
from steps.workloads.method import count_allowed_gone, read_ordinal
from steps.workloads.subject import covers

CALLS_A_TURN = 20


@dataclass(frozen=True)
class Begin:
    """Stamp the workload, and restart it where its method is a restart."""

    flight: Flight


@dataclass(frozen=True)
class RestartAgain:
    """The stamped restart is not in place: ask for it again with the same stamp."""

    flight: Flight


@dataclass(frozen=True)
class Restamp:
    """The restart has ended and old pods are left: ask for one more, with a stamp of this attempt."""

    flight: Flight


@dataclass(frozen=True)
class Evict:
    """Evict one pod of a begun workload."""

    flight: Flight
    pod: Pod


Move: TypeAlias = Begin | RestartAgain | Restamp | Evict
Judged: TypeAlias = tuple[Flight, Verdict]


def choose_moves(
    judged: Sequence[Judged],
    budgets: Mapping[str, Sequence[DisruptionBudget]],
    limits: Limits,
    bucket: Bucket,
    checked: bool,
    release: Release,
    moving: int = 0,
) -> tuple[Move, ...]:
    """The batch of this turn: repeats first, then evictions, then new workloads, within limits and pace.

    Until the first restarted pod was checked only one workload moves, and of it only one pod where it is evicted.
    `moving` is how many begun workloads are not among the judged.
    """
    repeats = list(_list_repeats(judged))
    evictions = _pace_evictions(_list_evictions(judged, budgets, checked, release), bucket)
    for move in (*repeats, *evictions):
        bucket = bucket.fill(count_charge(move))
    begins = _list_begins(judged, limits, bucket, checked, moving)
    return tuple([*repeats, *evictions, *begins][:CALLS_A_TURN])


def _list_repeats(judged: Sequence[Judged]) -> Iterator[Move]:
    for flight, verdict in judged:
        if isinstance(verdict, Underway) and verdict.again:
            yield RestartAgain(flight)
        elif isinstance(verdict, Underway) and verdict.anew:
            yield Restamp(flight)


def _list_begins(
    judged: Sequence[Judged], limits: Limits, bucket: Bucket, checked: bool, moving: int
) -> Iterator[Begin]:
    moving += sum(1 for flight, verdict in judged if flight.begun and isinstance(verdict, Underway))
    slots = limits.workloads_at_once if checked else 1
    for flight, verdict in judged:
        if not isinstance(verdict, Ready):
            continue
        if (slots and moving >= slots) or not bucket.has_room():
            return
        begin = Begin(flight)
        moving += 1
        bucket = bucket.fill(count_charge(begin))
        yield begin


def count_charge(move: Move) -> int:
    """How many pods the move sets in motion; a workload whose pods are evicted counts with each eviction."""
    match move:
        case Begin(flight=flight) | Restamp(flight=flight):
            return 0 if flight.planned.method == "evict" else len(flight.entries)
        case Evict():
            return 1
        case RestartAgain():
            return 0
        case _:
            assert_never(move)


def _pace_evictions(evictions: Iterable[Evict], bucket: Bucket) -> list[Evict]:
    chosen = []
    for eviction in evictions:
        if not bucket.has_room():
            break
        bucket = bucket.fill(1)
        chosen.append(eviction)
    return chosen[:CALLS_A_TURN]


def _list_evictions(
    judged: Sequence[Judged], budgets: Mapping[str, Sequence[DisruptionBudget]], checked: bool, release: Release
) -> Iterator[Evict]:
    for flight, verdict in judged:
        if flight.planned.method == "evict" and flight.begun and isinstance(verdict, Underway):
            yield from choose_evictions(flight, budgets.get(flight.planned.ref.namespace, ()), checked, release)


def choose_evictions(
    flight: Flight, budgets: Sequence[DisruptionBudget], checked: bool, release: Release
) -> tuple[Evict, ...]:
    """The next pods of a begun workload to evict; none where its budget or its own strategy has no room.

    Unready pods go first, then by ordinal downwards, then by name. Overlapping budgets are left to the API server's
    refusal.
    """
    workload = flight.workload
    if workload is None or flight.pods is None or workload.observed_generation < workload.generation:
        # a change that its controller has not seen yet might be rolled out by an eviction
        return ()
    live = [pod for pod in flight.pods if is_live(pod)]
    if not checked and (len(live) < workload.replicas or any(pod.uid not in flight.known for pod in live)):
        return ()
    uids = {entry.uid for entry in flight.entries}
    old = [pod for pod in live if pod.uid in uids and not has_target(pod, release)]
    away = max(0, workload.replicas - sum(1 for pod in live if pod.is_ready))
    unready = [pod for pod in old if not pod.is_ready]
    room = count_allowed_gone(workload) - away + len(unready)
    covering = [budget for budget in budgets if old and covers(budget, old[0].labels)]
    if len(covering) == 1:
        room = min(room, covering[0].disruptions_allowed)
    if not checked:
        room = min(room, 1)
    ranked = sorted(old, key=lambda pod: (pod.is_ready, -read_ordinal(pod.name), pod.name))
    return tuple(Evict(flight, pod) for pod in ranked[: max(0, room)])
