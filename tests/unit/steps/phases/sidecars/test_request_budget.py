import pytest

from steps.contract.options import Limits
from steps.contract.step import Done
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, start

NO_LIMITS = Limits(workloads_at_once=0, pods_per_minute=0)


def run_counted(cluster: PaperCluster, limits: Limits) -> tuple[Rig[PaperCluster], int, float]:
    """A phase after its approval: how many requests the restart took, and how many seconds."""
    cluster.move_control_plane()
    rig = start(cluster, limits=limits)
    rig.approve("approve")
    cluster.requests.clear()
    begun = cluster.now
    assert isinstance(rig.run("restart", turns=3000), Done)
    sweep = 1 + len(cluster.pods) // 500 + 13
    return rig, cluster.requests.total() - sweep, (cluster.now - begun).total_seconds()


@pytest.mark.parametrize("limits", [Limits(), NO_LIMITS], ids=["default limits", "no limits"])
@pytest.mark.parametrize("namespaces", [1, 8])
def test_a_restarted_workload_costs_three_requests(cluster: PaperCluster, limits: Limits, namespaces: int) -> None:
    """Beyond that there is one request a second for each namespace in flight, and the final sweep."""
    for number in range(40):
        cluster.add("Deployment", f"shop{number % namespaces}", f"web{number:02}", 25, pace=5)
    _, requests, seconds = run_counted(cluster, limits)
    assert requests <= 3 * 40 + seconds * namespaces


@pytest.mark.parametrize("limits", [Limits(), NO_LIMITS], ids=["default limits", "no limits"])
def test_an_evicted_pod_costs_two_requests(cluster: PaperCluster, limits: Limits) -> None:
    """Beyond that there is one request a second for each namespace in flight, and the final sweep."""
    for number in range(6):
        cluster.add("ReplicaSet", "batch", f"lone{number}", 30)
    _, requests, seconds = run_counted(cluster, limits)
    assert requests <= 2 * 180 + seconds


def test_pods_are_read_sparingly(cluster: PaperCluster) -> None:
    """Pods are read by selector or in one pass of a namespace in flight, never more than all pages a turn."""
    for number in range(100):
        cluster.add("Deployment", f"shop{number % 10}", f"web{number:03}", 20, pace=20)
    cluster.move_control_plane()
    rig = start(cluster, limits=NO_LIMITS)
    rig.approve("approve")
    most = 0
    while not isinstance(outcome := rig.turn("restart"), Done):
        most = max(most, cluster.requests["list pods"])
        cluster.requests.clear()
        cluster.tick(getattr(outcome, "retry_in", 0.0))
    assert most <= 40
