"""What was begun is owned until it is undone: restarts that stand, how far they got, and how each is undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from steps.contract.step import Context
from steps.contract.wording import count_things
from steps.mesh import Workload, WorkloadRef
from steps.notes.sidecars import Stamp, list_stamps
from steps.phases.sidecars.flights.flight import Flight
from steps.phases.sidecars.flights.lookout import list_controllers
from steps.workloads.inventory import is_live
from steps.workloads.rollout import is_rolled_out
from steps.workloads.waves import PLAN


@dataclass(frozen=True)
class HalfRolled:
    """A restart of the bot's that stands and has not ended: the rollout goes on by itself as soon as it can."""

    ref: WorkloadRef
    updated: int
    replicas: int

    @property
    def undoing(self) -> str:
        """The command that goes back to the template before the restart."""
        if self.ref.kind == "Rollout":
            change = '{"spec":{"restartAt":null}}'
            return f"kubectl -n {self.ref.namespace} patch rollout {self.ref.name} --type merge -p '{change}'"
        return f"kubectl -n {self.ref.namespace} rollout undo {self.ref.kind.lower()}/{self.ref.name}"

    @property
    def sentence(self) -> str:
        """`shop/Deployment/web: 1 of 3 pods moved, its rollout goes on by itself; to undo it: kubectl …`."""
        return (
            f"{self.ref}: {self.updated} of {count_things(self.replicas, 'pod')} moved, its rollout goes on by itself; "
            f"to undo it: {self.undoing}"
        )


def find_half_rolled(ctx: Context) -> tuple[HalfRolled, ...]:
    """The workloads whose restart by this upgrade stands and has not ended, as the cluster has them now."""
    stamps = {one.ref: list_stamps(ctx, str(one.ref)) for one in ctx.recall(PLAN) or ()}
    begun = {ref: own for ref, own in stamps.items() if own}
    live: Mapping[WorkloadRef, Workload] = list_controllers(ctx.kubernetes, begun)[0] if begun else {}
    return tuple(
        describe_half_rolled(live[ref])
        for ref, own in begun.items()
        if ref in live and find_standing(live[ref], own) and not is_rolled_out(live[ref])
    )


def list_half_rolled(ctx: Context) -> tuple[str, ...]:
    """A sentence for each, for a card."""
    return tuple(one.sentence for one in find_half_rolled(ctx))


def find_standing(workload: Workload, stamps: Iterable[Stamp]) -> Stamp | None:
    """The stamp of the bot's that stands in the workload, None where another or none does."""
    return next((stamp for stamp in stamps if stamp.at == workload.restarted_at), None)


def describe_half_rolled(workload: Workload) -> HalfRolled:
    """How far the workload's rollout has got by its own status."""
    current = workload.observed_generation >= workload.generation
    return HalfRolled(workload.ref, workload.updated if current else 0, workload.replicas)


def find_way_back(flight: Flight, stamp: Stamp) -> str | None:
    """The stamp to put back: what stood before, where that replaces no pod; None where one has moved, or nobody knows.

    Nothing has moved while each pod of the ledger lives as it did, whatever was made beside it.
    """
    live = {pod.uid for pod in flight.pods or () if is_live(pod)}
    before = {uid for uid, entry in flight.known.items() if entry.state != "gone"}
    return stamp.before if before <= live else None
