"""The sidecars phase in bad weather: the bot's own steps and gateway over each cluster."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import urllib3
from urllib3.exceptions import ProtocolError

from steps.contract.step import Done, Outcome, Waiting
from steps.mesh import WorkloadRef
from tests.contracts.ground import Ground, SimulatedGround, install_mesh
from tests.contracts.phase_stage import NEW, GroundMesh, Stage, build_stage, cordoned
from tests.contracts.shapes import budget, deployment, named, quota, stateful_set
from tests.unit.steps.phases.sidecars.interruptions import Killed
from tests.unit.steps.rig import PaperMemory, Rig

KILLS = 50


@pytest.fixture(autouse=True)
def _needs_mesh(ground: Ground) -> None:
    ground.need("mesh")


@pytest.fixture
def stage(ground: Ground) -> Stage:
    """Two Deployments and a StatefulSet: seven pods."""
    return build_stage(
        ground,
        lambda space: deployment(space, "web", 3),
        lambda space: deployment(space, "api", 2),
        lambda space: stateful_set(space, "db", 2),
    )


def test_a_calm_run_moves_every_pod(stage: Stage) -> None:
    """What the others are compared with."""
    stage.approve()
    assert isinstance(stage.run(), Done)
    assert (stage.count(), stage.versions()) == ({"upgraded": 7}, {NEW})


@pytest.mark.weather("budget stuck at 0")
def test_a_budget_stuck_at_0_is_told_and_never_gone_round(ground: Ground) -> None:
    """The pods stay; once the budget allows something, retry goes on."""
    stage = build_stage(
        ground, lambda space: deployment(space, "web", 2), lambda space: budget(space, "web", minAvailable=2)
    )
    before = {pod.uid for pod in ground.list_live(stage.space)}
    stage.approve(evict_namespaces=(stage.space,))
    assert "web" in stage.block().why
    assert {pod.uid for pod in ground.list_live(stage.space)} == before
    path = f"/apis/policy/v1beta1/namespaces/{stage.space}/poddisruptionbudgets/web"
    assert ground.send("DELETE", path).is_success
    assert isinstance(stage.run(), Done)
    assert stage.count() == {"upgraded": 2}


@pytest.mark.weather("crash-looping new pods")
def test_crash_looping_pods_block_and_a_retry_ends_well(stage: Stage) -> None:
    """The old pods stay until then."""
    stage.ground.need("faults")
    stage.approve()
    stage.ground.break_images(crashing=["registry.k8s.io/pause:*"])
    blocked = stage.block()
    assert "CrashLoopBackOff" in blocked.why
    assert blocked.attachments
    stage.ground.break_images()
    stage.remove_broken()
    assert isinstance(stage.run(), Done)
    assert stage.count() == {"upgraded": 7}


@pytest.mark.weather("Unschedulable")
def test_no_room_blocks_with_the_schedulers_words(stage: Stage) -> None:
    """Every node is cordoned."""
    stage.approve()
    with cordoned(stage.ground):
        assert "nodes are available" in stage.block().why
    assert isinstance(stage.run(), Done)
    assert stage.count() == {"upgraded": 7}


@pytest.mark.weather("injector down in the middle")
def test_an_injector_that_goes_down_in_the_middle_is_waited_for(stage: Stage) -> None:
    """It comes back within a workload's patience."""
    stage.ground.need("faults")
    stage.approve()
    with stage.middle():
        stage.ground.switch_injector(down=True)
    for _ in range(6):
        assert not isinstance(stage.turn(), Done)
    stage.ground.switch_injector(down=False)
    assert isinstance(stage.run(), Done)
    assert (stage.count(), stage.versions()) == ({"upgraded": 7}, {NEW})


@pytest.mark.weather("quota exceeded")
def test_an_exceeded_quota_blocks_with_its_name(stage: Stage) -> None:
    """Without it, retry goes on."""
    stage.ground.create(quota(stage.space, 7))
    path = f"/api/v1/namespaces/{stage.space}/resourcequotas/few"
    stage.ground.until(lambda: stage.ground.send("GET", path).json().get("status", {}).get("used"))
    stage.approve()
    assert "exceeded quota" in stage.block().why
    assert stage.ground.send("DELETE", path).is_success
    assert isinstance(stage.run(), Done)
    assert stage.count() == {"upgraded": 7}


@pytest.mark.weather("namespace deleted in the middle")
def test_a_namespace_deleted_in_the_middle_is_gone(stage: Stage) -> None:
    """Nothing fails."""
    stage.approve()
    with stage.middle():
        stage.ground.gateway.delete_namespace(stage.space)
    assert isinstance(stage.run(), Done)
    assert set(stage.count()) <= {"gone", "upgraded"}
    assert stage.count().total() == 7


@pytest.mark.weather("workload deleted in the middle")
def test_a_workload_deleted_in_the_middle_is_gone(stage: Stage) -> None:
    """The others move."""
    stage.approve()
    options = {"propagationPolicy": "Background"}
    path = f"/apis/apps/v1/namespaces/{stage.space}/deployments/web"
    assert stage.ground.send("DELETE", path, options).status_code == 200
    assert isinstance(stage.run(), Done)
    assert stage.count() == {"gone": 3, "upgraded": 4}


@pytest.mark.weather("workload scaled in the middle, as an autoscaler does it")
@pytest.mark.parametrize(("replicas", "ended"), [(1, {"upgraded": 5, "gone": 2}), (6, {"upgraded": 7})])
def test_a_workload_scaled_in_the_middle_adds_up(stage: Stage, replicas: int, ended: dict[str, int]) -> None:
    """As an autoscaler does it; pods that it adds are in nobody's ledger."""
    stage.approve()
    stage.ground.patch(named(stage.space), {"spec": {"replicas": replicas}})
    assert isinstance(stage.run(), Done)
    assert stage.count() == ended
    assert stage.versions() == {NEW}


@pytest.mark.weather("workload edited by somebody else in the middle")
def test_a_workload_edited_in_the_middle_ends_well(stage: Stage) -> None:
    """Somebody's new image comes with the new sidecar."""
    stage.approve()
    container = {"name": "app", "image": "registry.k8s.io/pause:3.8"}
    with stage.middle():
        stage.ground.patch(named(stage.space), {"spec": {"template": {"spec": {"containers": [container]}}}})
    assert isinstance(stage.run(), Done)
    assert (stage.count(), stage.versions()) == ({"upgraded": 7}, {NEW})


@pytest.mark.weather("watch or list expired", "API server restarted")
@pytest.mark.parametrize("power", ["compact", "restart"])
def test_lost_history_or_a_restarted_api_server_costs_time_only(stage: Stage, power: str) -> None:
    """Continue tokens expire, connections break."""
    stage.ground.need(power)
    stage.approve()
    with stage.middle():
        if power == "compact":
            stage.ground.compact()
        else:
            stage.ground.restart_api_server()
    assert isinstance(stage.run(), Done)
    assert (stage.count(), stage.versions()) == ({"upgraded": 7}, {NEW})


@pytest.mark.weather("one request in twenty failing")
def test_one_failing_request_in_twenty_costs_time_only(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are lost on the way: each workload's template changes once all the same."""
    stage.approve()
    before = {one.ref: one.generation for one in stage.ground.gateway.list_workloads(stage.space)}
    lost = lose_answers(monkeypatch, 0.05)
    assert isinstance(stage.run(), Done)
    monkeypatch.undo()
    after = {one.ref: one.generation for one in stage.ground.gateway.list_workloads(stage.space)}
    kinds = ("Deployment", "StatefulSet")
    assert {after[ref] - before[ref] for ref in before if ref.kind in kinds} == {1}
    assert (stage.count(), lost() > 0) == ({"upgraded": 7}, True)


def lose_answers(monkeypatch: pytest.MonkeyPatch, share: float) -> Callable[[], int]:
    """Cut connections after a share of the requests was answered; how many so far."""
    chance, count = random.Random(5), 0
    send = urllib3.HTTPSConnectionPool.urlopen

    def urlopen(pool: Any, *args: Any, **options: Any) -> Any:
        nonlocal count
        answer = send(pool, *args, **options)
        if chance.random() >= share:
            return answer
        count += 1
        answer.release_conn()
        raise ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))

    monkeypatch.setattr(urllib3.HTTPSConnectionPool, "urlopen", urlopen)
    return lambda: count


@pytest.mark.weather("two clusters at once")
def test_two_clusters_at_once_do_not_meet(stage: Stage, tmp_path: Path) -> None:
    """Turn by turn side by side with a second cluster, each ends as if alone."""
    with ExitStack() as stack:
        other_ground = SimulatedGround(tmp_path, stack)
        install_mesh(other_ground)
        other = build_stage(other_ground, lambda space: deployment(space, "web", 3))
        stages = [stage, other]
        for one in stages:
            one.approve()
        outcomes: dict[str, Outcome] = {}
        for _ in range(1500):
            for one in stages:
                outcome = None if one.space in outcomes else one.turn()
                if outcome is not None and not isinstance(outcome, Waiting):
                    outcomes[one.space] = outcome
            if len(outcomes) == 2:
                break
        assert [one.count() for one in stages] == [{"upgraded": 7}, {"upgraded": 3}]


class MortalMemory(PaperMemory):
    """Memory whose writes may be the last thing that the bot did."""

    def __init__(self, tempt: Callable[[], None]) -> None:
        super().__init__()
        self.tempt = tempt

    def remember(self, key: str, value: Any) -> Any:
        self.tempt()
        kept = super().remember(key, value)
        self.tempt()
        return kept

    def commit(self) -> None:
        self.tempt()
        super().commit()


class MortalRig(Rig[GroundMesh]):
    """What a turn had not committed is lost with the kill; the cluster goes on."""

    def turn(self, name: str) -> Outcome:
        for _ in range(KILLS + 1):
            try:
                return super().turn(name)
            except Killed:
                self.ledger.turn, self.memory.revised = {}, {}
                self.cluster.tick(0.2)
        raise AssertionError("killed too often")

    def commit(self) -> None:
        """Both or nothing, as the journal does it."""
        self.memory.commit()
        self.ledger.commit()


@pytest.mark.weather("the bot killed 50 times in the phase")
def test_fifty_kills_double_and_lose_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """At random points before and after each write and each change of the cluster."""
    chance, kills = random.Random(3), 0

    def tempt() -> None:
        nonlocal kills
        if kills < KILLS and chance.random() < 0.8:
            kills += 1
            raise Killed

    gateway = stage.ground.gateway
    restart = gateway.restart_workload

    def restart_workload(ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        tempt()
        restart(ref, stamp, resource_version)
        tempt()

    before = {one.ref: one.generation for one in gateway.list_workloads(stage.space)}
    monkeypatch.setattr(gateway, "restart_workload", restart_workload)
    stage.rig = MortalRig(stage.mesh, memory=MortalMemory(tempt))
    stage.approve()
    assert isinstance(stage.run(), Done)
    after = {one.ref: one.generation for one in gateway.list_workloads(stage.space)}
    moved = {after[ref] - before[ref] for ref in before if ref.kind in ("Deployment", "StatefulSet")}
    assert (stage.count(), stage.versions(), moved, kills) == ({"upgraded": 7}, {NEW}, {1}, KILLS)
