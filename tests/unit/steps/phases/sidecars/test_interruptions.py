from collections.abc import Callable

import pytest

from steps.contract.step import Done
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.phases.sidecars.interruptions import FusedCluster, FusedRig, build_fused
from tests.unit.steps.rig import load_release


def fill(cluster: PaperCluster) -> None:
    """One workload for each method."""
    cluster.add("Deployment", "shop", "web", 3, pace=1)
    cluster.add("StatefulSet", "store", "db", 2, pace=1, strategy="OnDelete")
    cluster.add("ReplicaSet", "batch", "lone", 2)
    cluster.add("Rollout", "shop", "canary", 2)
    cluster.add_bare_pod("batch", "shell")
    cluster.move_control_plane()


def run_phase(at: int) -> FusedRig:
    """A whole phase, killed once at the given point."""
    rig = build_fused(fill, FusedCluster(load_release()), at)
    for name, act in (("plan", rig.run), ("approve", rig.approve), ("restart", rig.run), ("acknowledge", rig.approve)):
        step: Callable[[str], object] = act
        assert isinstance(step(name), Done), name
    return rig


def count_points() -> int:
    """How many points an undisturbed phase passes."""
    return run_phase(-1).memory.fuse.passed  # type: ignore[attr-defined, no-any-return]


@pytest.fixture(scope="module")
def killed() -> list[FusedRig]:
    """Give one phase for each point at which it was killed."""
    return [run_phase(at) for at in range(1, count_points() + 1)]


def test_the_ledger_ends_as_without_a_kill(killed: list[FusedRig]) -> None:
    """Wherever the bot is killed, each pod ends in the state of an undisturbed run."""
    undisturbed = run_phase(-1).states()
    assert [rig.states() for rig in killed] == [undisturbed] * len(killed)


def test_no_workload_is_moved_twice(killed: list[FusedRig]) -> None:
    """A repeated restart bears the first stamp, so the template changes once."""
    stamps = [set(rig.cluster.restarts) for rig in killed]
    assert [len(one) for one in stamps] == [2] * len(killed)


def test_no_pod_is_evicted_twice(killed: list[FusedRig]) -> None:
    """Each pod that has to go is evicted once, and no replacement is."""
    assert {len(rig.cluster.evictions) for rig in killed} == {4}
