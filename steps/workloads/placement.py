"""Where a workload's pods may run: whether a rollout finds a node for one pod more, and whose disk it shares. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from steps.contract.documents import read_count
from steps.contract.wording import count_things
from steps.mesh import Node, Placement, Requirement, Taint, Workload, WorkloadRef
from steps.workloads.injection import meets

# Access modes of a PersistentVolumeClaim, by namespace and name.
Claims: TypeAlias = Mapping[tuple[str, str], Sequence[str]]
_SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})
_KEEPING_OFF = frozenset({"NoSchedule", "NoExecute"})
HOSTNAME = "kubernetes.io/hostname"


@dataclass(frozen=True)
class Room:
    """What one node has left: millicores, bytes and pods."""

    cpu_millis: int
    memory_bytes: int
    pods: int

    def count_fitting(self, workload: Workload) -> int:
        """How many more pods of a workload it takes; one that is over its measure takes only what asks for nothing."""
        asks = workload.cpu_millis or workload.memory_bytes
        if asks and min(self.cpu_millis, self.memory_bytes) < 0:
            return 0
        limits = [self.pods]
        if workload.cpu_millis:
            limits.append(self.cpu_millis // workload.cpu_millis)
        if workload.memory_bytes:
            limits.append(self.memory_bytes // workload.memory_bytes)
        return max(min(limits), 0)


def measure_rooms(
    nodes: Iterable[Node], standing: Mapping[tuple[str, WorkloadRef], int], workloads: Mapping[WorkloadRef, Workload]
) -> Mapping[str, Room]:
    """What each node has left by the templates of its pods; what was injected into them is not counted."""
    left = {node.name: Room(node.cpu_millis, node.memory_bytes, node.pods) for node in nodes}
    for (name, ref), count in standing.items():
        if room := left.get(name):
            shape = workloads.get(ref)
            cpu, memory = (shape.cpu_millis, shape.memory_bytes) if shape else (0, 0)
            left[name] = Room(room.cpu_millis - count * cpu, room.memory_bytes - count * memory, room.pods - count)
    return left


def explain_no_room(workload: Workload, nodes: Iterable[Node], rooms: Mapping[str, Room]) -> str:
    """Why the pods that a rollout starts at once find too little room on the nodes they may go to, "" where they do."""
    extra = count_surge(workload)
    open_to = [node for node in nodes if node.name in rooms and may_run(node, workload.placement)]
    fitting = sum(rooms[node.name].count_fitting(workload) for node in open_to)
    if not open_to or fitting >= extra:
        return ""
    where = f"the {len(open_to)} nodes open to it have" if len(open_to) > 1 else "the one node open to it has"
    left = f"{fitting} of them" if fitting else "none"
    return f"no room for the {count_things(extra, 'more pod')} that its rollout starts: {where} room for {left}"


def count_surge(workload: Workload) -> int:
    """How many extra pods a Deployment's rollout creates."""
    return scale_count(workload.max_surge or "25%", workload.replicas, round_up=True)


def keeps_old_pods(workload: Workload) -> bool:
    """Whether a rollout takes no old pod away before a new one is ready: maxUnavailable rounds to 0."""
    if workload.strategy == "Recreate" or not count_surge(workload):
        return False
    return scale_count(workload.max_unavailable or "25%", workload.replicas, round_up=False) == 0


def explain_crowding(workload: Workload, nodes: Iterable[Node]) -> str:
    """Why no node is left for a rollout's first new pod, "" if one is."""
    usable = [node for node in nodes if may_run(node, workload.placement)]
    if not keeps_old_pods(workload) or not usable:
        return ""
    for what, places in _list_limits(workload, usable):
        if workload.replicas >= places:
            share = workload.max_unavailable or "25%"
            rounds = f"maxUnavailable {share}" + (" rounds to 0" if share != "0" else "")
            return (
                f"{what}: its {count_things(workload.replicas, 'pod')} fill the {places} there are and {rounds}, so no"
                " node is left for a new pod and the rollout will stand still"
            )
    return ""


def explain_no_node(workload: Workload, nodes: Sequence[Node]) -> str:
    """Why no node at all would take a new pod, "" where one would or none is known."""
    if not nodes or not workload.replicas or any(may_run(node, workload.placement) for node in nodes):
        return ""
    return (
        f"none of the {count_things(len(nodes), 'node')} takes its pods now (labels that it asks for, taints, not ready"
        " or closed): a pod that goes does not come back"
    )


def _list_limits(workload: Workload, nodes: Sequence[Node]) -> Iterable[tuple[str, int]]:
    """What keeps pods apart, and how many places that leaves them."""
    for key in workload.placement.apart:
        what = "nodes" if key == HOSTNAME else f"values of {key}"
        yield f"required anti-affinity keeps its pods on different {what}", _count_places(nodes, key)
    if workload.placement.host_ports:
        port = workload.placement.host_ports[0]
        yield f"host port {port} can be taken once on a node", len(nodes)


def _count_places(nodes: Collection[Node], key: str) -> int:
    return len({node.labels[key] for node in nodes if key in node.labels})


def explain_uneven_spread(workload: Workload, nodes: Iterable[Node]) -> str:
    """Why a topology spread may leave new pods without a node, "" where nothing does."""
    placement = workload.placement
    eligible = [node for node in nodes if _is_meant(node, placement)]
    for key in placement.spread:
        # The scheduler counts tainted nodes as places too.
        closed = [node for node in eligible if key in node.labels and not may_run(node, placement)]
        open_places = {node.labels[key] for node in eligible if key in node.labels and may_run(node, placement)}
        lost = sorted({node.labels[key] for node in closed} - open_places)
        if lost and keeps_old_pods(workload):
            return (
                f"topology spread by {key} counts {', '.join(lost[:3])}, where no pod can start now, so new pods may"
                " find no node"
            )
    return ""


def find_single_disk(workload: Workload, claims: Claims) -> str:
    """The claim of a disk that one node can have at a time and that all pods of the template share, "" without one."""
    for name in workload.placement.claims:
        modes = claims.get((workload.ref.namespace, name))
        if modes and not _SHARED & set(modes):
            return name
    return ""


def may_run(node: Node, placement: Placement) -> bool:
    """Whether a node is open to pods of this placement: ready, schedulable, meant and without a taint in the way."""
    kept_off = (taint for taint in node.taints if taint.effect in _KEEPING_OFF and not _bears(placement, taint))
    return node.ready and not node.unschedulable and _is_meant(node, placement) and not any(kept_off)


def _is_meant(node: Node, placement: Placement) -> bool:
    if not placement.node_labels.items() <= node.labels.items():
        return False
    terms = placement.node_terms
    return not terms or any(term and all(_meets_node(one, node.labels) for one in term) for term in terms)


def _meets_node(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    if requirement.operator not in ("Gt", "Lt"):
        return meets(requirement, labels)
    found, limit = labels.get(requirement.key, ""), next(iter(requirement.values), "")
    try:
        return int(found) > int(limit) if requirement.operator == "Gt" else int(found) < int(limit)
    except ValueError:
        return False


def _bears(placement: Placement, taint: Taint) -> bool:
    return any(
        one.key in ("", taint.key) and one.effect in ("", taint.effect) and one.value in (None, taint.value)
        for one in placement.bears
    )


def scale_count(written: str, replicas: int, *, round_up: bool) -> int:
    """A count written as a number or a percentage of the replicas; 0 where it is neither."""
    number = written.rstrip("%")
    if number == written:
        return read_count(number)
    share = read_count(number) * replicas / 100
    return math.ceil(share) if round_up else math.floor(share)
