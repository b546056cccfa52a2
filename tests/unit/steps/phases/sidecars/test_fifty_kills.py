import dataclasses
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from steps.contract.step import Done, Outcome
from steps.mesh import Eviction, WorkloadRef
from tests.direct import DirectConnection
from tests.unit.steps.phases.sidecars.interruptions import Killed
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh, take_plain_snapshot
from tests.unit.steps.rig import PaperMemory, Rig, load_release

KILLS = 50


class Fate:
    """Kills at random points, a fixed number of times in all; the same each run."""

    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.kills = 0

    def tempt(self) -> None:
        """A point at which the process may end."""
        if self.kills < KILLS and self.chance.random() < 0.25:
            self.kills += 1
            raise Killed


class MortalMemory(PaperMemory):
    """Memory whose writes may be the last thing that the bot did."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self.fate = fate

    def remember(self, key: str, value: Any) -> Any:
        self.fate.tempt()
        kept = super().remember(key, value)
        self.fate.tempt()
        return kept


class MortalRig(Rig[SimulatedMesh]):
    """Runs the phase through the kills: what a turn had not committed is lost, time goes on."""

    def turn(self, name: str) -> Outcome:
        for _ in range(KILLS + 1):
            try:
                return super().turn(name)
            except Killed:
                self.ledger.turn, self.memory.revised = {}, {}
                self.cluster.tick(1)
        raise AssertionError("killed too often")

    def commit(self) -> None:
        assert isinstance(self.memory, MortalMemory)
        self.memory.fate.tempt()
        super().commit()


@pytest.fixture(scope="module")
def survivor() -> Iterator[MortalRig]:
    """Run one whole phase that is killed 50 times."""
    release = load_release()
    with ExitStack() as stack:
        mesh = SimulatedMesh(release, DirectConnection, stack, take_plain_snapshot())
        fate = Fate()
        rig = MortalRig(mesh, memory=MortalMemory(fate))
        rig.options = _evict_data(rig)
        _make_mortal(mesh, fate)
        assert isinstance(rig.run("plan"), Done)
        assert isinstance(rig.approve("approve"), Done)
        assert isinstance(rig.run("restart"), Done)
        assert isinstance(rig.approve("acknowledge"), Done)
        yield rig


def _evict_data(rig: MortalRig) -> Any:
    return dataclasses.replace(rig.options, evict_namespaces=("data",))


def _make_mortal(mesh: SimulatedMesh, fate: Fate) -> None:
    """Each change of the cluster may be the last thing that the bot did."""
    restart, evict = mesh.kubernetes.restart_workload, mesh.kubernetes.evict_pod

    def wrap(call: Callable[[], Any]) -> Any:
        fate.tempt()
        answer = call()
        fate.tempt()
        return answer

    def restart_workload(ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        wrap(lambda: restart(ref, stamp, resource_version))

    def evict_pod(namespace: str, name: str, uid: str) -> Eviction:
        answer: Eviction = wrap(lambda: evict(namespace, name, uid))
        return answer

    mesh.kubernetes.restart_workload = restart_workload  # type: ignore[method-assign]
    mesh.kubernetes.evict_pod = evict_pod  # type: ignore[method-assign]


def test_it_was_killed_fifty_times(survivor: MortalRig) -> None:
    """The other tests mean something only then."""
    assert isinstance(survivor.memory, MortalMemory)
    assert survivor.memory.fate.kills == KILLS


@pytest.mark.weather("the bot killed 50 times in the phase")
def test_no_pod_is_lost(survivor: MortalRig) -> None:
    """The ledger is that of an undisturbed run."""
    assert (survivor.count("upgraded"), survivor.count("manual"), len(survivor.ledger.committed)) == (56, 2, 58)


def test_no_workload_was_restarted_twice(survivor: MortalRig) -> None:
    """Each template changed once."""
    shop = survivor.cluster.kubernetes.list_workloads("shop", ["Deployment"])
    assert {workload.generation for workload in shop} == {2}
