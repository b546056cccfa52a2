"""Risks from what stands around a workload: nodes, room, disks, and pods that were broken before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from steps.mesh import Pod
from steps.workloads.placement import (
    explain_crowding,
    explain_no_node,
    explain_no_room,
    explain_uneven_spread,
    find_single_disk,
    keeps_old_pods,
)
from steps.workloads.subject import Risk, Subject

STRANDED_SHOWN = 3
# A DaemonSet's pods are made for their nodes.
_SCHEDULED = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout"})
NOT_READY = "not ready"


def find_disk(subject: Subject) -> Iterator[Risk]:
    """A disk that one node can have at a time, shared by all pods of a Deployment."""
    workload = subject.workload
    if workload is None or workload.ref.kind != "Deployment" or subject.method == "manual":
        return
    disk = find_single_disk(workload, subject.inventory.claims)
    if not disk:
        return
    fact = f"its disk {disk} can be on one node at a time"
    waits = workload.strategy != "Recreate" and (keeps_old_pods(workload) or workload.replicas > 1)
    if subject.method == "restart" and waits:
        fact += ": a new pod on another node waits for the old one to let it go, and that one for the new to be ready"
        person = "set its strategy to Recreate, which is a brief outage, or have its namespace evicted"
        yield Risk("disk deadlock", "care", fact, "restarts it and asks where it stands still", person)
    else:
        fact += ": a brief outage from the old pod's end until the disk has moved and the new pod is ready"
        yield Risk("disk moves", "outage", fact, "restarts it all the same", "skip it and restart it in a quiet hour")


def find_placeless(subject: Subject) -> Iterator[Risk]:
    """A rollout whose first new pod will find no node, or a workload whose pods no node takes any more."""
    workload = subject.workload
    if workload is None or workload.ref.kind not in _SCHEDULED or subject.method == "manual":
        return
    lost = explain_no_node(workload, subject.inventory.nodes)
    if lost:
        person = "bring such a node back or mend what its template asks for first"
        yield Risk("no free node", "outage", lost, "moves it all the same", person, passing=True)
        return
    if workload.ref.kind != "Deployment" or subject.method != "restart":
        return
    fact = explain_crowding(workload, subject.inventory.nodes) or explain_uneven_spread(
        workload, subject.inventory.nodes
    )
    if fact:
        person = "set maxSurge 0 and maxUnavailable 1, add a node, or have its namespace evicted"
        yield Risk("no free node", "care", fact, "restarts it and asks where it stands still", person, passing=True)


def find_broken(subject: Subject) -> Iterator[Risk]:
    """Pods that are out of service before anybody touches them."""
    unready = [finding.pod for finding in subject.findings if not finding.pod.is_ready]
    if not unready or subject.method == "manual":
        return
    first = min((pod for pod in unready if pod.unready_since), key=lambda pod: str(pod.unready_since), default=None)
    fact = f"{len(unready)} of {len(subject.findings)} pods not ready before the restart{_say_since(first)}"
    person, since = "repair it first or leave it alone", first.unready_since if first else None
    yield Risk(NOT_READY, "care", fact, "restarts it all the same", person, passing=True, since=since)


def _say_since(pod: Pod | None) -> str:
    """`: web-1 since 2026-03-02 08:00 UTC (app CrashLoopBackOff)`."""
    if pod is None or pod.unready_since is None:
        return ""
    why = f" ({pod.problem})" if pod.problem else ""
    return f": {pod.name} since {pod.unready_since.astimezone(UTC):%Y-%m-%d %H:%M} UTC{why}"


def find_stranded_pods(subject: Subject) -> Iterator[Risk]:
    """A lost node ends no pod: nothing takes a StatefulSet's or a DaemonSet's place there until it is back or gone."""
    lost = subject.inventory.stranded.get(subject.ref, ())
    if not lost or subject.method == "manual":
        return
    places = ", ".join(
        f"{pod.name} {_say_stand(pod)} on {pod.node}, which is not ready" for pod in lost[:STRANDED_SHOWN]
    )
    more = f", and {len(lost) - STRANDED_SHOWN} more pods so" if len(lost) > STRANDED_SHOWN else ""
    nodes = ", ".join(sorted({pod.node for pod in lost[:STRANDED_SHOWN]}))
    fact, bot = f"{places}{more}: nothing ends a pod there", "restarts it, and asks if that never ends"
    yield Risk("lost node", "care", fact, bot, f"repair or delete {nodes} first", passing=True)


def _say_stand(pod: Pod) -> str:
    return "is terminating" if pod.terminating else "stands"


def find_crowded(subject: Subject) -> Iterator[Risk]:
    """A rollout that starts more pods than the nodes have room for."""
    workload = subject.workload
    if workload is None or subject.method != "restart" or workload.ref.kind != "Deployment":
        return
    fact = explain_no_room(workload, subject.inventory.nodes, subject.inventory.rooms)
    if fact:
        yield Risk("no room", "care", fact, "restarts it and waits for room", "add a node", passing=True)
