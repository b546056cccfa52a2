import dataclasses

from steps.contract.options import Limits
from steps.contract.step import Blocked, Done
from steps.mesh import Event, WorkloadRef
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, start

CRASHING = "app CrashLoopBackOff: back-off restarting failed container"


def break_workload(cluster: PaperCluster, name: str, replicas: int = 2) -> None:
    """A Deployment whose new pods never get ready."""
    controller = cluster.add("Deployment", "shop", name, replicas)
    controller.stuck, controller.problem = True, CRASHING


def approved(cluster: PaperCluster, budget: int = 1) -> Rig[PaperCluster]:
    """A planned and approved phase that pauses at so many failing workloads."""
    cluster.move_control_plane()
    rig = start(cluster, limits=dataclasses.replace(Limits(), failure_budget=budget))
    rig.approve("approve")
    return rig


def blocked(rig: Rig[PaperCluster]) -> Blocked:
    """What the restart is blocked by."""
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    return outcome


def test_the_file_has_the_events_of_workload_and_pod_and_the_pods_last_state(cluster: PaperCluster) -> None:
    """What a person would ask kubectl for first."""
    break_workload(cluster, "web")
    asked: list[tuple[str, str]] = []

    def read_events(namespace: str, kind: str, name: str) -> tuple[Event, ...]:
        asked.append((kind, name))
        return (Event("Warning", "BackOff", f"{kind} event", 7),)

    cluster.read_events = read_events  # type: ignore[method-assign]
    (file, *_) = blocked(approved(cluster)).attachments
    pod = next(name for kind, name in asked if kind == "Pod")
    lines = file.text.splitlines()
    assert lines[1] == "  Warning BackOff (x7): Deployment event"
    assert lines[2].startswith(f"{pod}: Running, 0/2 ready, ")
    assert lines[2].endswith(CRASHING)
    assert lines[3] == "  Warning BackOff (x7): Pod event"


def test_a_second_skip_is_for_what_failed_since(cluster: PaperCluster) -> None:
    """Each decision holds for the workloads that it was made about."""
    break_workload(cluster, "a", 1)
    break_workload(cluster, "b", 2)
    rig = approved(cluster)
    rig.decide(blocked(rig), "skip", "a is broken")
    rig.decide(blocked(rig), "skip", "b is broken")
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("skipped") == 3


def test_a_failure_within_the_budget_holds_up_nobody(cluster: PaperCluster) -> None:
    """The phase goes on while the failing workload is told already."""
    break_workload(cluster, "web")
    cluster.add("Deployment", "shop", "long", 60, pace=1)
    rig = approved(cluster, budget=2)
    assert run_until_failed(rig, cluster) > 0
    assert blocked(rig).why.startswith("shop/Deployment/web")
    assert cluster.versions_of(WorkloadRef("shop", "Deployment", "long")) == ["1.4.10-asm.18"] * 60


def run_until_failed(rig: Rig[PaperCluster], cluster: PaperCluster) -> int:
    """Turn until a workload has failed; how many pods of the other one still have the old sidecar then."""
    while not rig.count("failed"):
        assert not isinstance(rig.turn("restart"), Blocked)
        cluster.tick(2)
    return cluster.versions_of(WorkloadRef("shop", "Deployment", "long")).count("1.4.7-asm.0")


def test_the_phase_pauses_at_the_budget_while_others_still_move(cluster: PaperCluster) -> None:
    """The third failure is one too many."""
    for name in ("a", "b"):
        break_workload(cluster, name)
    cluster.add("Deployment", "shop", "long", 60, pace=1)
    outcome = blocked(approved(cluster, budget=2))
    assert outcome.why.startswith("shop/Deployment/a, shop/Deployment/b can't be re-injected")
    assert "1.4.7-asm.0" in cluster.versions_of(WorkloadRef("shop", "Deployment", "long"))
