"""Looks at the workloads in flight, with as few requests as it takes."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from steps.contract.ports import Kubernetes
from steps.contract.step import Context
from steps.mesh import Owner, Pod, Workload, WorkloadRef
from steps.phases.sidecars.flights.flight import Flight, wants_pods
from steps.phases.sidecars.flights.standstill import add_words
from steps.workloads.inventory import name_owner_kind

# The label with the hash that ends the name of a pod's ReplicaSet.
_HASH_LABELS = {"Deployment": "pod-template-hash", "Rollout": "rollouts-pod-template-hash"}
# beyond this many namespaces one list over all of them is cheaper
NAMESPACES_APART = 5
PODS_A_PAGE = 500


@dataclass(frozen=True)
class Sighting:
    """The flights as seen this turn; `requests` is how many were needed for each namespace in flight."""

    flights: tuple[Flight, ...]
    requests: float


def sight_flights(ctx: Context, flights: Sequence[Flight], checked: bool) -> Sighting:
    """Read the controllers of the flights, and the pods of those that can't be judged by them."""
    if not flights:
        return Sighting((), 0.0)
    live, requests = list_controllers(ctx.kubernetes, [flight.planned.ref for flight in flights])
    told = add_words(ctx, flights)
    seen = [dataclasses.replace(flight, workload=live.get(flight.planned.ref)) for flight in told]
    patience = ctx.options.limits.workload_patience_seconds
    wanting = [flight for flight in seen if wants_pods(flight, ctx.now, checked, patience)]
    pods, more = _list_pods(ctx.kubernetes, wanting)
    looked = tuple(dataclasses.replace(flight, pods=pods.get(flight.planned.ref)) for flight in seen)
    namespaces = len({flight.planned.ref.namespace for flight in flights})
    return Sighting(looked, (requests + more) / namespaces)


def list_controllers(kubernetes: Kubernetes, refs: Iterable[WorkloadRef]) -> tuple[Mapping[WorkloadRef, Workload], int]:
    """The workloads by ref, and how many requests it took."""
    kinds: dict[str, set[str]] = {}
    for ref in refs:
        kinds.setdefault(ref.namespace, set()).add(ref.kind)
    if len(kinds) > NAMESPACES_APART:
        kinds = {"": {kind for own in kinds.values() for kind in own}}
    found = {
        workload.ref: workload
        for namespace, own in sorted(kinds.items())
        for workload in kubernetes.list_workloads(namespace, sorted(own))
    }
    return found, sum(len(own) for own in kinds.values())


def _list_pods(kubernetes: Kubernetes, flights: Sequence[Flight]) -> tuple[Mapping[WorkloadRef, tuple[Pod, ...]], int]:
    """The pods of each flight: by its selector, or by one pass of the namespace where that takes fewer requests."""
    wanting = Counter(flight.planned.ref.namespace for flight in flights)
    passes: dict[str, tuple[Pod, ...]] = {}
    found: dict[WorkloadRef, tuple[Pod, ...]] = {}
    requests = 0
    for flight in flights:
        namespace, query = flight.planned.ref.namespace, _write_query(flight.workload)
        if query and (_is_unpicked(flight) or not _is_pass_cheaper(wanting[namespace], flights, namespace)):
            found[flight.planned.ref] = _pick(flight, kubernetes.list_pods(namespace, query))
            requests += 1
            continue
        if namespace not in passes:
            passes[namespace] = tuple(kubernetes.list_pods(namespace))
            requests += 1 + len(passes[namespace]) // PODS_A_PAGE
        found[flight.planned.ref] = _pick(flight, passes[namespace])
    return found, requests


def _is_unpicked(flight: Flight) -> bool:
    """Whether only the server can tell the workload's pods: its selector is more than labels."""
    return flight.workload is not None and bool(flight.workload.selector_text)


def _is_pass_cheaper(wanting: int, flights: Sequence[Flight], namespace: str) -> bool:
    pods = sum(len(flight.known) for flight in flights if flight.planned.ref.namespace == namespace)
    return wanting > 2 + 2 * pods // PODS_A_PAGE


def _pick(flight: Flight, pods: Iterable[Pod]) -> tuple[Pod, ...]:
    if flight.workload is not None:
        return pick_pods(pods, flight.workload, flight.known)
    return tuple(pod for pod in pods if pod.uid in flight.known)


def _write_query(workload: Workload | None) -> str:
    if workload is None:
        return ""
    return workload.selector_text or ",".join(f"{key}={text}" for key, text in sorted(workload.selector.items()))


def pick_pods(pods: Iterable[Pod], workload: Workload, known: Collection[str] = ()) -> tuple[Pod, ...]:
    """Those of a namespace's pods that belong to the workload; `known` are uids of pods that are known to be its."""
    return tuple(pod for pod in pods if _belongs(pod, workload, known))


def _belongs(pod: Pod, workload: Workload, known: Collection[str]) -> bool:
    ref = workload.ref
    if pod.owner is None or pod.namespace != ref.namespace:
        return False
    kind = name_owner_kind(pod.owner)
    if ref.kind not in _HASH_LABELS:
        return (kind, pod.owner.name) == (ref.kind, ref.name)
    if kind != "ReplicaSet" or not workload.selector.items() <= pod.labels.items():
        return False
    return pod.uid in known or _may_be_made_by(workload, pod.owner, pod)


def _may_be_made_by(workload: Workload, owner: Owner, pod: Pod) -> bool:
    """Whether the pod's ReplicaSet is not one of another workload: selectors may overlap (stable and canary)."""
    hashes = {kind: pod.labels[label] for kind, label in _HASH_LABELS.items() if label in pod.labels}
    return not hashes or owner.name == f"{workload.ref.name}-{hashes.get(workload.ref.kind, '')}"
