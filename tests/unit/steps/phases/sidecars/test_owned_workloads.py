"""What was begun is owned until it is undone, and an owner that undoes it is not fought."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cluster.server.faults import PodFault
from steps.contract.options import Limits
from steps.contract.step import Blocked, Done
from steps.mesh import WorkloadRef
from steps.notes.prepare import measure_identity
from steps.phases.finish import report
from steps.phases.left_behind import report_abort
from steps.phases.sidecars.flights.begun import find_half_rolled
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh
from tests.unit.steps.rig import Rig, start

NEW = "1.4.10-asm.18"
CART = WorkloadRef("shop", "Deployment", "cart")
OWNED = [("Deployment", "shop", "cart"), ("StatefulSet", "data", "ledger-db"), ("DaemonSet", "data", "metrics-agent")]


def approved(mesh: SimulatedMesh, **options: Any) -> Rig[SimulatedMesh]:
    """A planned and approved phase, all at once."""
    rig = start(mesh, **{"limits": Limits(workloads_at_once=0, pods_per_minute=0, failure_budget=99), **options})
    outcome = rig.approve("approve")
    assert isinstance(outcome, Done), outcome
    return rig


def own(mesh: SimulatedMesh, ref: WorkloadRef, after: float) -> None:
    """An operator takes a workload over."""
    fields = {"namespace": ref.namespace, "kind": ref.kind, "workload": ref.name, "after": after}
    mesh.control(lambda cluster: cluster.sky.begin("operator-reverts", fields))


def blocked(rig: Rig[SimulatedMesh]) -> Blocked:
    """What the restart is blocked by."""
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked), outcome
    return outcome


def count_made(mesh: SimulatedMesh) -> int:
    """How many pods the cluster has ever had beyond those of the beginning, by its controllers' events."""
    with mesh.cluster.lock:
        events = mesh.cluster.store.each("events")
        return sum(event.get("count", 1) for event in events if event["reason"] == "SuccessfulCreate")


@pytest.mark.weather("an operator or a GitOps tool takes the restart back")
@pytest.mark.parametrize("after", [0.0, 2.0, 8.0])
@pytest.mark.parametrize(("kind", "space", "name"), OWNED)
def test_an_owner_that_takes_the_restart_back_is_tried_twice_and_named(
    mesh: SimulatedMesh, kind: str, space: str, name: str, after: float
) -> None:
    """At once or after a while, of every kind: never a fight."""
    ref = WorkloadRef(space, kind, name)
    own(mesh, ref, after)
    rig, began = approved(mesh), mesh.clock.seconds
    outcome = rig.run("restart")
    if isinstance(outcome, Done):  # a workload that has moved before its owner looks needs no second try
        assert rig.count("failed") == 0
        return
    assert isinstance(outcome, Blocked)
    assert f"{ref} can't be re-injected: its restart was sent 2 times and taken back each time" in outcome.why
    assert "field manager shop-operator" in outcome.why
    assert f"Shop/{name} (example.com) owns it" in outcome.why
    assert [choice.id for choice in outcome.choices] == ["evict", "skip"]
    assert mesh.clock.seconds - began < 300


def test_a_fight_costs_no_more_pods_than_two_tries(mesh: SimulatedMesh) -> None:
    """Once it went on for two hours and made 7,800."""
    own(mesh, CART, 2.0)
    rig = approved(mesh)
    before = count_made(mesh)
    blocked(rig)
    mesh.tick(300)
    assert count_made(mesh) - before < 56 + 5 * 8


@pytest.mark.weather("an operator or a GitOps tool takes the restart back")
def test_eviction_moves_what_its_owner_will_not_let_restart(mesh: SimulatedMesh) -> None:
    """An approver chooses it; the template stays as the owner wants it."""
    own(mesh, CART, 0.0)
    rig = approved(mesh)
    rig.decide(blocked(rig), "evict")
    assert isinstance(rig.run("restart"), Done)
    assert (rig.count("upgraded"), rig.count("failed"), mesh.versions("shop")) == (56, 0, {NEW})


def test_a_choice_to_evict_holds_only_for_what_was_named(mesh: SimulatedMesh) -> None:
    """Another workload whose restart is taken back later is asked about."""
    own(mesh, CART, 0.0)
    rig = approved(mesh)
    asked = blocked(rig)
    own(mesh, WorkloadRef("shop", "Deployment", "web"), 0.0)
    rig.decide(asked, "evict")
    outcome = rig.run("restart")
    assert isinstance(outcome, Done) or "web" in outcome.why  # type: ignore[union-attr]


@pytest.mark.parametrize(("kind", "space", "name"), OWNED[:1])
def test_a_skip_takes_the_restart_back_where_no_pod_has_moved(
    mesh: SimulatedMesh, kind: str, space: str, name: str
) -> None:
    """Once the cause heals, nothing rolls by itself."""
    fault = PodFault("crashing", "*", space, f"{name}-*")
    rig = approved(mesh)
    mesh.control(lambda cluster: cluster.faults.pods.active.append(fault))
    asked = blocked(rig)
    before = {pod.uid for pod in mesh.list_live(space) if pod.labels.get("app") == name and NEW not in pod.proxy_image}
    rig.decide(asked, "skip", "known to be broken")
    assert isinstance(rig.run("restart"), Done)
    mesh.control(lambda cluster: cluster.faults.pods.active.clear())
    mesh.tick(300)
    after = {pod.uid for pod in mesh.list_live(space) if pod.labels.get("app") == name}
    workload = mesh.kubernetes.read_workload(WorkloadRef(space, kind, name))
    assert workload is not None
    told = [line for line in rig.said if str(workload.ref) in line]
    if any("taken back" in line for line in told):
        assert (workload.restarted_at, after) == ("", before)
    else:
        assert any("to undo it: kubectl -n" in line for line in told)
    assert find_half_rolled(rig.context("sidecars/restart")) == ()


def test_a_skip_says_what_stays_begun_where_pods_have_moved(mesh: SimulatedMesh) -> None:
    """A StatefulSet's first pod is gone by then: its rollout can't be taken back without moving it again."""
    ref = WorkloadRef("data", "StatefulSet", "ledger-db")
    rig = approved(mesh)
    before = {pod.name: pod.uid for pod in mesh.list_live("data")}
    while {pod.name: pod.uid for pod in mesh.list_live("data")}.get("ledger-db-2") == before["ledger-db-2"]:
        rig.turn("restart")
        mesh.tick(1)
    mesh.control(lambda cluster: cluster.faults.pods.active.append(PodFault("crashing", "*", "data", "ledger-db-2")))
    rig.decide(blocked(rig), "skip", "known to be broken")
    assert isinstance(rig.run("restart"), Done)
    half = find_half_rolled(rig.context("sidecars/restart"))
    assert [one.ref for one in half] == [ref]
    assert f"{ref}: 1 of 3 pods moved, its rollout goes on by itself" in half[0].sentence
    assert half[0].undoing == "kubectl -n data rollout undo statefulset/ledger-db"
    assert half[0].sentence in rig.said


def test_skipped_pods_that_move_all_the_same_end_as_what_stands_in_their_place(mesh: SimulatedMesh) -> None:
    """The cause heals after the Skip, and the rollout that stayed begun goes on."""
    rig = approved(mesh)
    mesh.control(lambda cluster: cluster.faults.pods.active.append(PodFault("crashing", "*", "data", "ledger-db-2")))
    rig.decide(blocked(rig), "skip", "known to be broken")
    assert isinstance(rig.run("restart"), Done)
    names = [f"ledger-db-{number}" for number in range(3)]
    assert [rig.states()[name] for name in names] == ["skipped"] * 3
    mesh.control(lambda cluster: cluster.faults.clear())
    mesh.tick(900)
    assert mesh.versions("data") == {NEW}
    assert isinstance(rig.approve("acknowledge"), Done)
    assert [rig.states()[name] for name in names] == ["upgraded"] * 3


def test_abort_and_finish_name_what_is_half_rolled_with_the_command(mesh: SimulatedMesh) -> None:
    """Nothing that was begun is left without its owner's knowing."""
    rig = approved(mesh)
    mesh.control(lambda cluster: cluster.faults.pods.active.append(PodFault("crashing", "*", "shop", "cart-*")))
    blocked(rig)
    outcome = report_abort(rig.context("abort/report"))
    assert isinstance(outcome, Done)
    assert outcome.card is not None
    assert any("to undo it: kubectl -n shop rollout undo deployment/cart" in line for line in outcome.card.summary)
    assert outcome.sentence.endswith(", 1 workload half rolled")
    measure_identity(rig.context("finish/report"))
    rig.commit()
    ended = report(rig.context("finish/report"))
    assert isinstance(ended, Done)
    assert ended.card is not None
    assert [line for line in ended.card.risks if line.startswith("shop/Deployment/cart: ")]
