"""Stops the bot at any point between two effects, as a kill would, and lets it go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from steps.contract.notes import Json
from steps.contract.step import Outcome
from steps.mesh import Eviction, WorkloadRef
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import PaperMemory, Rig

Answer = TypeVar("Answer")


class Killed(BaseException):
    """The process is gone; nothing of the program may catch this."""


@dataclass
class Fuse:
    """Counts the points at which the bot may be killed, and kills it at one of them."""

    at: int = -1
    passed: int = 0

    def burn(self) -> None:
        """Pass a point."""
        self.passed += 1
        if self.passed == self.at:
            raise Killed

    def guard(self, call: Callable[[], Answer]) -> Answer:
        """Make the call with a point before and a point after it."""
        self.burn()
        answer = call()
        self.burn()
        return answer


class FusedMemory(PaperMemory):
    """Memory whose every write may be the last thing the bot did."""

    fuse: Fuse = Fuse()

    def remember(self, key: str, value: Json) -> Json:
        return self.fuse.guard(lambda: PaperMemory.remember(self, key, value))


class FusedCluster(PaperCluster):
    """A cluster whose every change may be the last thing the bot asked for."""

    fuse: Fuse = Fuse()

    def restart_workload(self, ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        self.fuse.guard(lambda: PaperCluster.restart_workload(self, ref, stamp, resource_version))

    def evict_pod(self, namespace: str, name: str, uid: str) -> Eviction:
        return self.fuse.guard(lambda: PaperCluster.evict_pod(self, namespace, name, uid))


class FusedRig(Rig[FusedCluster]):
    """Runs a step on, also after it was killed: what the turn had not committed is lost."""

    def commit(self) -> None:
        self.memory.fuse.guard(super().commit)  # type: ignore[attr-defined]

    def turn(self, name: str) -> Outcome:
        try:
            return super().turn(name)
        except Killed:
            self.ledger.turn, self.memory.revised = {}, {}
            return super().turn(name)


def build_fused(make: Callable[[Any], None], cluster: FusedCluster, at: int) -> FusedRig:
    """A rig that is killed once, at the given point."""
    fuse = Fuse(at)
    rig = FusedRig(cluster, memory=FusedMemory())
    parts: tuple[Any, ...] = (cluster, rig.memory)
    for part in parts:
        part.fuse = fuse
    make(cluster)
    return rig
