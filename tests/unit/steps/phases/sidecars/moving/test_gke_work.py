import pytest

from steps.contract.errors import GiveUp, TryAgain
from steps.contract.options import Limits
from steps.contract.step import Done, Waiting
from steps.mesh import Operation
from steps.preflight.eligibility import BUSY_OPERATIONS
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, later, start

POOL = "https://container.googleapis.com/v1/projects/p/zones/z/clusters/cluster-x/nodePools/default-pool"


def upgrade(kind: str) -> Operation:
    """An operation of this kind on a pool."""
    return Operation("operation-1", kind, POOL)


def approved(cluster: PaperCluster, **options: object) -> Rig[PaperCluster]:
    """Three approved workloads, moved one after the other."""
    for name in ("api", "web", "zoo"):
        cluster.add("Deployment", "shop", name, 2)
    cluster.move_control_plane()
    rig = start(cluster, limits=Limits(workloads_at_once=1, pods_per_minute=0), **options)
    rig.approve("approve")
    return rig


def begin_first(cluster: PaperCluster, rig: Rig[PaperCluster]) -> None:
    """The first workload is on its way, and Google was asked a while ago."""
    while not (cluster.restarts or cluster.evictions):
        assert isinstance(rig.turn("restart"), Waiting)
        cluster.tick(1)
    later(cluster, 0.6)


def wait(cluster: PaperCluster, rig: Rig[PaperCluster], seconds: int) -> Waiting:
    """A turn every five seconds; the last one's sentence."""
    waits: list[Waiting] = []
    for _ in range(seconds // 5):
        outcome = rig.turn("restart")
        assert isinstance(outcome, Waiting)
        waits.append(outcome)
        cluster.tick(5)
    return waits[-1]


@pytest.mark.parametrize("kind", BUSY_OPERATIONS)
def test_what_is_in_flight_lands_and_nothing_more_begins(cluster: PaperCluster, kind: str) -> None:
    """However long GKE moves nodes or the master; then the rest goes on by itself."""
    rig = approved(cluster)
    begin_first(cluster, rig)
    rig.gke.operations = (upgrade(kind),)
    outcome = wait(cluster, rig, 600)
    assert len(cluster.restarts) == 1
    assert rig.count("upgraded") == 2
    assert f"nothing more is begun while GKE runs {kind} on nodePools/default-pool" in outcome.why
    assert sum("nothing more is begun" in said for said in rig.said) == 1
    rig.gke.operations = ()
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("upgraded") == 6


def test_what_is_being_evicted_lands_as_well(cluster: PaperCluster) -> None:
    """A workload with half of its pods moved would only wait in the middle."""
    rig = approved(cluster, evict_namespaces=("shop",))
    begin_first(cluster, rig)
    rig.gke.operations = (upgrade("UPGRADE_NODES"),)
    wait(cluster, rig, 600)
    assert rig.count("upgraded") == 2


def test_an_operation_of_another_kind_stops_nothing(cluster: PaperCluster) -> None:
    """A label that is set moves no node."""
    rig = approved(cluster)
    rig.gke.operations = (upgrade("SET_LABELS"),)
    assert isinstance(rig.run("restart"), Done)


@pytest.mark.parametrize("fault", [TryAgain("503"), GiveUp("no permission", "grant it")])
def test_a_google_that_does_not_tell_stops_nothing(cluster: PaperCluster, fault: Exception) -> None:
    """An outage of its API moves no node, nor does a missing right."""
    rig = approved(cluster)
    rig.gke.fault = fault
    assert isinstance(rig.run("restart"), Done)


def test_an_operation_that_was_seen_holds_through_an_outage(cluster: PaperCluster) -> None:
    """What Google said last is believed until it says something else."""
    rig = approved(cluster)
    begin_first(cluster, rig)
    rig.gke.operations = (upgrade("UPGRADE_NODES"),)
    wait(cluster, rig, 60)
    rig.gke.fault = TryAgain("503")
    wait(cluster, rig, 600)
    assert len(cluster.restarts) == 1


def test_google_is_asked_every_thirty_seconds_at_most(cluster: PaperCluster) -> None:
    """Its quota is shared by all clusters of a project."""
    rig = approved(cluster)
    begin_first(cluster, rig)
    rig.gke.operations = (upgrade("UPGRADE_NODES"),)
    before = rig.gke.asked
    wait(cluster, rig, 600)
    assert 15 <= rig.gke.asked - before <= 20
