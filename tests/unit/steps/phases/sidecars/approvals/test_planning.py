from steps.mesh import WorkloadRef
from steps.workloads.subject import Level
from steps.workloads.waves import CANARY, PlannedWorkload, order_workloads
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import start


def planned(name: str, wave: str = "shop", pods: int = 1, level: Level = "note") -> PlannedWorkload:
    """A Deployment in a wave."""
    return PlannedWorkload(WorkloadRef(wave, "Deployment", name), "restart", wave, pods, level)


def order(*workloads: PlannedWorkload) -> list[str]:
    """The names in the order of the plan."""
    return [one.ref.name for one in order_workloads(workloads)]


def test_the_canary_goes_first_however_large() -> None:
    """It is there to be looked at before the rest."""
    assert order(planned("b", "tiny", 1), planned("a", CANARY, 50)) == ["a", "b"]


def test_the_wave_with_the_fewest_pods_goes_first() -> None:
    """What goes wrong goes wrong where it is smallest."""
    assert order(planned("a", "large", 9), planned("b", "small", 4), planned("c", "small", 4)) == ["b", "c", "a"]


def test_within_a_wave_the_gentlest_go_first() -> None:
    """A restart that costs an outage comes last, and before it the larger ones."""
    workloads = (planned("outage", pods=1, level="outage"), planned("large", pods=9), planned("small", pods=2))
    assert order(*workloads) == ["small", "large", "outage"]


def test_a_canary_namespace_is_a_wave_of_its_own(cluster: PaperCluster) -> None:
    """Every namespace named so is in it, the others each in their own."""
    for namespace in ("try", "dev", "shop"):
        cluster.add("Deployment", namespace, "web")
    cluster.move_control_plane()
    rig = start(cluster, canary_namespaces=("try", "dev"))
    waves = {entry.namespace: entry.wave for entry in rig.ledger.read_entries()}
    assert waves == {"try": CANARY, "dev": CANARY, "shop": "shop"}
