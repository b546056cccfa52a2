"""Whether the nodes can hold the control plane twice, as its rollout needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from steps.contract.checks import Check, failed, passed, warned
from steps.mesh import Node, Workload

_ROLLED_BY_SURGE = "Deployment"


def check_room(control_plane: Iterable[Workload], workloads: Iterable[Workload], nodes: Sequence[Node]) -> Check:
    """Compare what a doubled control plane asks for with what the nodes have left.

    Requests are those of the templates, so injected sidecars are not counted: the free room is an upper bound.
    """
    usable = [node for node in nodes if node.ready and not node.unschedulable]
    if not usable:
        return failed("node room", "no node is ready and schedulable", "Bring the nodes back, then retry.")
    surging = [w for w in control_plane if w.ref.kind == _ROLLED_BY_SURGE]
    needed = sum(w.cpu_millis * w.replicas for w in surging)
    needed_memory = sum(w.memory_bytes * w.replicas for w in surging)
    running = [w for w in workloads if not (w.owner and w.owner.kind in ("Deployment", "CronJob"))]
    free = sum(n.cpu_millis for n in usable) - sum(w.cpu_millis * w.current for w in running)
    free_memory = sum(n.memory_bytes for n in usable) - sum(w.memory_bytes * w.current for w in running)
    sentence = f"a doubled control plane asks for {_cores(needed)} vCPU and {_gibibytes(needed_memory)} GiB more"
    left = f"{_cores(free)} vCPU and {_gibibytes(free_memory)} GiB are free on {len(usable)} nodes"
    if needed > free or needed_memory > free_memory:
        lacking = f"{_cores(max(needed - free, 0))} vCPU and {_gibibytes(max(needed_memory - free_memory, 0))} GiB"
        return failed(
            "node room",
            f"no room for a doubled control plane: {sentence}, {left}",
            f"Add nodes with at least {lacking} for the time of the upgrade, then retry.",
        )
    largest, roomiest = max((w.cpu_millis for w in surging), default=0), max(n.cpu_millis for n in usable)
    if largest > roomiest:
        return failed(
            "node room",
            f"no node is large enough for a pod of {_cores(largest)} vCPU",
            f"Add a node with more than {_cores(roomiest)} vCPU, then retry.",
        )
    if needed * 2 > free:
        return warned("node room", f"{sentence}; only {left}")
    return passed("node room", f"{sentence}; {left}")


def _cores(millis: int) -> str:
    return f"{millis / 1000:.1f}"


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.1f}"
