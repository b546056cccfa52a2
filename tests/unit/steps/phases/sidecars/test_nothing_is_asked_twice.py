"""200 workloads on a busy night: deploys, scaling, pauses, broken apps and new nodes are nobody's question."""

from __future__ import annotations

import random

from steps.contract.options import Limits
from steps.contract.step import Ask, Blocked, Done, Outcome, Waiting
from steps.mesh import DisruptionBudget, WorkloadRef
from tests.unit.steps.paper_cluster import Controller, PaperCluster
from tests.unit.steps.rig import Rig, start

WORKLOADS = 200
BROKEN = ("team-3/Deployment/app-43", "team-8/Deployment/app-128")


def fill(cluster: PaperCluster) -> list[Controller]:
    """200 small workloads in ten namespaces, every fifth a StatefulSet, some of a single replica."""
    kinds = ("Deployment", "Deployment", "StatefulSet", "Deployment", "Deployment")
    made = [
        cluster.add(kinds[number % 5], f"team-{number % 10}", f"app-{number}", 1 + number % 3)
        for number in range(WORKLOADS)
    ]
    for ref in BROKEN:
        controller = next(one for one in made if str(one.ref) == ref)
        controller.stuck, controller.problem = True, "app: CrashLoopBackOff"
    cluster.move_control_plane()
    return made


class BusyNight:
    """What others do to the cluster between two turns; the same each time."""

    def __init__(self, cluster: PaperCluster, made: list[Controller], rig: Rig[PaperCluster]) -> None:
        self.cluster = cluster
        self.made = [one for one in made if str(one.ref) not in BROKEN]
        self.rig = rig
        self.chance = random.Random(12)
        self.turns = 0

    def go_on(self) -> None:
        """One turn's worth of it."""
        self.turns += 1
        one = self.chance.choice(self.made)
        match self.turns % 6:
            case 0:
                self.cluster.scale(one.ref, self.chance.randint(1, 4))
            case 1:
                one.revision += 1
                self.cluster.change(one.ref, images={"app": f"example.com/app:{self.turns}"})
            case 2:
                tight = DisruptionBudget(one.ref.namespace, f"pdb-{self.turns}", {"app": one.ref.name}, "", "0", 0)
                self.cluster.budgets.append(tight)
            case 3:
                self._drain_node()
            case 4:
                self._pause_workload()
            case _:
                self.rig.hold = "" if self.rig.hold else "paused by Ben"

    def _pause_workload(self) -> None:
        """Somebody pauses the rollout of what has not begun yet."""
        begun = {ref for ref, _ in self.cluster.restarts}
        free = [one for one in self.made if one.ref.kind == "Deployment" and one.ref not in begun]
        if free and self.turns < 60:
            self.cluster.change(self.chance.choice(free).ref, paused=True)

    def _drain_node(self) -> None:
        """Some pods go and come back elsewhere, as in an upgrade of the nodes."""
        for uid in self.chance.sample(sorted(self.cluster.pods), 3):
            if self.cluster.pods[uid].namespace != "istio-system":
                del self.cluster.pods[uid]


def answer(rig: Rig[PaperCluster], outcome: Outcome, asked: list[str]) -> None:
    """Say yes to a question and skip what is broken; each is noted."""
    match outcome:
        case Ask(question=question):
            asked.append(question)
            rig.decide(outcome)
        case Blocked(why=why):
            asked.append(why)
            rig.decide(outcome, "skip", "its team knows")
        case _:
            raise AssertionError(outcome)


def pass_step(rig: Rig[PaperCluster], name: str, night: BusyNight, asked: list[str]) -> None:
    """Run one step to its end."""
    rig.decision = None
    for _ in range(3000):
        outcome = rig.turn(name)
        match outcome:
            case Done():
                return
            case Waiting():
                rig.cluster.tick(max(outcome.retry_in, 1.0))
            case _:
                answer(rig, outcome, asked)
        night.go_on()
    raise AssertionError(f"{name} does not end: {outcome}")


def test_an_upgrade_of_200_workloads_on_a_busy_night_asks_no_question_twice(cluster: PaperCluster) -> None:
    """One approval, one decision for each broken app, one acknowledgement."""
    made = fill(cluster)
    rig = start(cluster, limits=Limits(workloads_at_once=20, pods_per_minute=0))
    night, asked = BusyNight(cluster, made, rig), list[str]()
    for name in ("approve", "restart", "acknowledge"):
        pass_step(rig, name, night, asked)
    assert len(asked) == 4, asked
    assert asked[0].startswith("Re-inject ")
    assert sorted(why.partition(" ")[0] for why in asked[1:3]) == sorted(BROKEN)
    assert asked[3].endswith("Acknowledge?")
    assert {rig.count("pending"), rig.count("failed")} == {0}
    restarted = [ref for ref, _ in cluster.restarts]
    assert len(restarted) == len(set[WorkloadRef](restarted))
