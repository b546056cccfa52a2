"""Workloads that were broken before: told at the gate, and left alone where a person chooses that."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from steps.contract.cards import APPROVE, APPROVE_HEALTHY, DENY
from steps.contract.ledger import list_left_commands
from steps.contract.step import Ask, Done
from steps.gates import read_workloads
from steps.mesh import WorkloadRef
from tests.unit.steps.paper_cluster import START, PaperCluster
from tests.unit.steps.rig import Rig, start

SICK, WEB = WorkloadRef("shop", "Deployment", "sick"), WorkloadRef("shop", "Deployment", "web")
FACT = "1 of 2 pods not ready before the restart: {pod} since 2026-03-02 08:00 UTC (app CrashLoopBackOff)"


def break_one(cluster: PaperCluster, ref: WorkloadRef = SICK, minutes: float = 60) -> str:
    """One of the workload's pods has crashed for so long; its name."""
    sick = cluster.pods_of(cluster.controllers[ref])[0]
    cluster.pods[sick.uid] = dataclasses.replace(
        sick, is_ready=False, ready=1, problem="app CrashLoopBackOff", unready_since=START - timedelta(minutes=minutes)
    )
    return sick.name


def ask(rig: Rig[PaperCluster], name: str = "approve") -> Ask:
    """What the gate asks."""
    outcome = rig.turn(name)
    assert isinstance(outcome, Ask)
    return outcome


def open_gate(cluster: PaperCluster) -> tuple[Rig[PaperCluster], str]:
    """A phase before its gate, with one sound and one broken workload; the broken pod."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.add("Deployment", "shop", "sick", 2)
    cluster.move_control_plane()
    broken = break_one(cluster)
    return start(cluster), broken


def test_a_gate_offers_to_approve_all_but_what_was_broken_before(cluster: PaperCluster) -> None:
    """And its card names which those are."""
    rig, _ = open_gate(cluster)
    asked = ask(rig)
    assert [choice.id for choice in asked.choices] == [APPROVE.id, APPROVE_HEALTHY.id, DENY.id]
    assert asked.choices[1].label == "Approve all but 1 not ready"
    assert "leaves alone what was not ready before: shop/Deployment/sick." in asked.card.summary[-1]


def test_where_nothing_is_broken_the_gate_is_as_it_was(cluster: PaperCluster) -> None:
    """Two choices, and nothing more that the approval holds for."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.move_control_plane()
    asked = ask(start(cluster))
    assert asked.choices == (APPROVE, DENY)
    assert "broken before" not in asked.binding


def test_a_pod_that_only_starts_is_not_broken(cluster: PaperCluster) -> None:
    """An autoscaler's newest pod is told as a risk, and nothing is offered for it."""
    cluster.add("Deployment", "shop", "sick", 2)
    cluster.move_control_plane()
    break_one(cluster, minutes=1)
    assert ask(start(cluster)).choices == (APPROVE, DENY)


def test_what_was_broken_is_left_alone_with_its_reason_and_the_command(cluster: PaperCluster) -> None:
    """The others are moved, and whoever chose it stands with the pods."""
    rig, broken = open_gate(cluster)
    rig.decide(ask(rig), APPROVE_HEALTHY.id)
    outcome = rig.turn("approve")
    assert isinstance(outcome, Done)
    assert outcome.sentence.endswith(", but 1 workload left alone")
    assert isinstance(rig.run("restart"), Done)
    assert [ref.name for ref, _ in cluster.restarts] == ["web"]
    left = [entry for entry in rig.ledger.read_entries() if entry.workload == str(SICK)]
    reason, command = f"left alone: {FACT.format(pod=broken)}", "kubectl -n shop rollout restart deployment/sick"
    told = ("skipped", reason, command, "U0BEN00002")
    assert [(entry.state, entry.reason, entry.command, entry.by) for entry in left] == [told, told]
    assert list_left_commands(rig.ledger.read_entries()) == (f"# {SICK} (2 pods): {reason}", command)


def test_what_was_left_alone_is_acknowledged_with_its_command(cluster: PaperCluster) -> None:
    """It keeps its old sidecar, and a person says that they know."""
    rig, _ = open_gate(cluster)
    rig.decide(ask(rig), APPROVE_HEALTHY.id)
    rig.turn("approve")
    rig.decision = None
    rig.run("restart")
    left = ask(rig, "acknowledge")
    assert left.question == "2 pods not re-injected and left to a person. Acknowledge?"
    assert all("— later: kubectl -n shop rollout restart" in line for line in left.card.details[0].lines)


def test_what_healed_since_the_card_is_left_all_the_same(cluster: PaperCluster) -> None:
    """The choice holds for what the card named; a plain approval takes it along."""
    rig, _ = open_gate(cluster)
    rig.decide(ask(rig), APPROVE_HEALTHY.id)
    cluster.tick()
    assert isinstance(rig.turn("approve"), Done)
    assert isinstance(rig.run("restart"), Done)
    assert (rig.count("upgraded"), rig.count("skipped")) == (2, 2)


def test_what_broke_since_the_card_is_moved_as_approved(cluster: PaperCluster) -> None:
    """Nobody has left it alone: the card did not name it."""
    rig, _ = open_gate(cluster)
    rig.decide(ask(rig), APPROVE_HEALTHY.id)
    break_one(cluster, WorkloadRef("shop", "Deployment", "web"))
    assert isinstance(rig.turn("approve"), Done)
    assert isinstance(rig.run("restart"), Done)
    assert [ref.name for ref, _ in cluster.restarts] == ["web"]


def test_a_broken_workload_voids_no_approval_by_healing(cluster: PaperCluster) -> None:
    """What is broken comes and goes: an approval never binds to it."""
    rig, _ = open_gate(cluster)
    rig.decide(ask(rig), APPROVE.id)
    cluster.tick()
    assert isinstance(rig.turn("approve"), Done)
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("upgraded") == 4


def test_the_canary_is_asked_about_the_same_way(cluster: PaperCluster) -> None:
    """Its own broken workloads alone stand on its card."""
    cluster.add("Deployment", "store", "db", 2)
    cluster.add("Deployment", "shop", "sick", 2)
    cluster.move_control_plane()
    break_one(cluster)
    break_one(cluster, WorkloadRef("store", "Deployment", "db"))
    rig = start(cluster, canary_namespaces=("store",))
    asked = ask(rig, "approve-canary")
    assert "store/Deployment/db." in asked.card.summary[-1]
    assert "sick" not in asked.card.summary[-1]


def test_where_all_is_broken_nothing_is_moved(cluster: PaperCluster) -> None:
    """The phase ends, and all of it is left to a person."""
    cluster.add("Deployment", "shop", "sick", 2)
    cluster.move_control_plane()
    break_one(cluster)
    rig = start(cluster)
    rig.decide(ask(rig), APPROVE_HEALTHY.id)
    assert isinstance(rig.turn("approve"), Done)
    assert isinstance(rig.run("restart"), Done)
    assert cluster.restarts == []


def test_each_evicted_pod_has_a_command_of_its_own(cluster: PaperCluster) -> None:
    """The report shows the first, with how many more there are."""
    cluster.add("Deployment", "shop", "sick", 2)
    cluster.move_control_plane()
    break_one(cluster)
    rig = start(cluster, evict_namespaces=("shop",))
    rig.decide(ask(rig), APPROVE_HEALTHY.id)
    assert isinstance(rig.turn("approve"), Done)
    _, command, more = list_left_commands(rig.ledger.read_entries())
    assert command.startswith("kubectl -n shop delete pod sick-")
    assert more == "# and so for 1 more pod"


def ask_later(rig: Rig[PaperCluster]) -> Ask:
    """What the restarts ask about once all that was approved has moved."""
    outcome = rig.run("restart")
    assert isinstance(outcome, Ask)
    return outcome


def test_a_later_wave_offers_to_leave_alone_as_well(cluster: PaperCluster) -> None:
    """What drops out of its approval and was broken before is no other thing than at the gate."""
    rig, _ = open_gate(cluster)
    rig.decide(ask(rig))
    cluster.change(SICK, strategy="Recreate")
    cluster.change(WEB, strategy="Recreate")
    assert isinstance(rig.turn("approve"), Done)
    later = ask_later(rig)
    assert [choice.id for choice in later.choices] == [APPROVE.id, APPROVE_HEALTHY.id, DENY.id]
    rig.decide(later, APPROVE_HEALTHY.id)
    assert isinstance(rig.run("restart"), Done)
    assert [ref.name for ref, _ in cluster.restarts] == ["web"]
    assert {entry.state for entry in rig.ledger.read_entries() if entry.workload == str(SICK)} == {"skipped"}


def add_old_pod(cluster: PaperCluster, ref: WorkloadRef = SICK) -> None:
    """One pod more of the workload, which did not get the new sidecar."""
    old = cluster.pods_of(cluster.controllers[ref])[0]
    cluster.scale(ref, 3)
    cluster.pods["late"] = dataclasses.replace(old, uid="late", name=f"{ref.name}-late")
    cluster.revisions["late"] = cluster.revisions[old.uid]


@pytest.mark.parametrize("gate", ["approve-canary", "approve"])
def test_what_was_left_alone_is_not_asked_about_again(cluster: PaperCluster, gate: str) -> None:
    """A pod that comes later with the old sidecar is left with the others: by whom, and how to do it later."""
    cluster.add("Deployment", "store", "web", 2)
    cluster.add("Deployment", "shop", "sick", 2)
    cluster.move_control_plane()
    break_one(cluster)
    rig = start(cluster, canary_namespaces=("shop",) if gate == "approve-canary" else ())
    rig.decide(ask(rig, gate), APPROVE_HEALTHY.id)
    assert isinstance(rig.turn(gate), Done)
    rig.decision = None
    add_old_pod(cluster)
    if gate == "approve-canary":
        asked = ask(rig)
        assert list(read_workloads(asked.binding)) == ["store/Deployment/web"]
        rig.decide(asked)
        assert isinstance(rig.turn("approve"), Done)
    assert isinstance(rig.run("restart"), Done)
    left = [entry for entry in rig.ledger.read_entries() if entry.workload == str(SICK)]
    assert [(entry.state, entry.by) for entry in left] == [("skipped", "U0BEN00002")] * 3
    assert {entry.command for entry in left} == {"kubectl -n shop rollout restart deployment/sick"}
