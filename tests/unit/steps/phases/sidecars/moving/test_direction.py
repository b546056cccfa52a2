"""What changes between an approval and the batch: what is more drops out alone, everything else is covered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest

from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.gates import BoundWorkload
from steps.mesh import DisruptionBudget, WorkloadRef
from steps.phases.sidecars.approvals.approved import APPROVED_AS, find_worse
from steps.workloads.subject import Level, Risk
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, start

WEB, DB = WorkloadRef("shop", "Deployment", "web"), WorkloadRef("shop", "StatefulSet", "db")
Change = Callable[[PaperCluster], object]


def approved(cluster: PaperCluster, **options: object) -> Rig[PaperCluster]:
    """A phase whose approval was given for a Deployment, a StatefulSet and another one."""
    cluster.add("Deployment", "shop", "web", 3)
    cluster.add("StatefulSet", "shop", "db", 3, pace=1)
    cluster.add("Deployment", "shop", "other", 2)
    cluster.move_control_plane()
    rig = start(cluster, **options)
    assert isinstance(rig.approve("approve"), Done)
    return rig


def restarted(cluster: PaperCluster) -> set[str]:
    """The names of the workloads that were restarted."""
    return {ref.name for ref, _ in cluster.restarts}


def break_pods(cluster: PaperCluster) -> None:
    """A pod is not ready, and was not because of the upgrade."""
    uid = next(uid for uid, pod in cluster.pods.items() if pod.name.startswith("web"))
    cluster.pods[uid] = dataclasses.replace(cluster.pods[uid], ready=0, is_ready=False, problem="app: CrashLoopBackOff")


def add_budget(cluster: PaperCluster) -> None:
    """A disruption budget without room."""
    cluster.budgets.append(DisruptionBudget("shop", "tight", {"app": "web"}, "", "0", 0))


COVERED: dict[str, Change] = {
    "scaled up": lambda cluster: cluster.scale(WEB, 7),
    "scaled down to one": lambda cluster: cluster.scale(WEB, 1),
    "scaled down to one of a StatefulSet": lambda cluster: cluster.scale(DB, 1),
    "another image": lambda cluster: cluster.change(WEB, images={"app": "example.com/web:latest"}),
    "no probe any more": lambda cluster: cluster.change(WEB, probed=False),
    "broken pods": break_pods,
    "a budget without room": add_budget,
    "paused": lambda cluster: cluster.change(WEB, paused=True),
    "gone": lambda cluster: cluster.delete_workload(WEB),
}


@pytest.mark.parametrize("change", COVERED.values(), ids=COVERED.keys())
def test_what_is_no_worse_is_never_asked_about(cluster: PaperCluster, change: Change) -> None:
    """Scaling, images, budgets and pods are nobody's question; what can't be moved any more is less."""
    rig = approved(cluster)
    change(cluster)
    assert isinstance(rig.run("restart"), Done)
    assert {"db", "other"} <= restarted(cluster)


WORSE: dict[str, tuple[Change, str, str]] = {
    "Recreate": (lambda cluster: cluster.change(WEB, strategy="Recreate"), "web", "now Recreate"),
    "OnDelete": (
        lambda cluster: cluster.change(DB, strategy="OnDelete"),
        "db",
        "its update strategy is OnDelete by now",
    ),
    "a partition": (lambda cluster: cluster.change(DB, partition=3), "db", "a partition of 3 was set"),
}


@pytest.mark.parametrize(("change", "name", "why"), WORSE.values(), ids=WORSE.keys())
def test_what_became_worse_drops_out_alone(cluster: PaperCluster, change: Change, name: str, why: str) -> None:
    """Nothing is done to it before somebody has seen what it is now; the others go on without a question."""
    rig = approved(cluster)
    change(cluster)
    asked = rig.run("restart")
    assert isinstance(asked, Ask)
    assert [line.rpartition(": ")[2] for line in asked.moved] == [why]
    assert restarted(cluster) == {"web", "db", "other"} - {name}
    rig.decide(asked)
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("pending") == 0


def test_what_drops_out_of_a_later_wave_is_asked_about_once_more(cluster: PaperCluster) -> None:
    """And not for ever: the approval of the wave it dropped out of counts no more for it."""
    rig = approved(cluster)
    cluster.change(WEB, strategy="Recreate")
    first = rig.run("restart")
    cluster.change(DB, resource_version="9")
    rig.decide(first)
    rig.turn("restart")
    cluster.change(WEB, strategy="RollingUpdate", paused=True)
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("manual") == 3


def test_evictions_under_way_land_before_a_workload_drops_out(cluster: PaperCluster) -> None:
    """A pod that was evicted comes back first; no other one is evicted."""
    cluster.add("StatefulSet", "shop", "held", 4, strategy="OnDelete", pace=1)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.approve("approve")
    while not cluster.evictions:
        rig.turn("restart")
        cluster.tick(1)
    evicted = len(cluster.evictions)
    cluster.change(WorkloadRef("shop", "StatefulSet", "held"), strategy="RollingUpdate")
    rig.turn("restart")
    assert len(cluster.evictions) == evicted
    asked = rig.run("restart")
    assert isinstance(asked, Ask)
    assert asked.moved == ("namespace shop: StatefulSet/held: it was to be moved by evict and now by restart",)
    assert all(pod.is_ready for pod in cluster.pods.values())


def test_an_approval_of_an_earlier_version_holds_as_it_was_planned(cluster: PaperCluster) -> None:
    """That version kept the ids alone; its plan is what stood on the card."""
    rig = approved(cluster)
    del rig.memory.values[APPROVED_AS.key]
    cluster.change(WEB, strategy="Recreate")
    asked = rig.run("restart")
    assert isinstance(asked, Ask)
    assert asked.moved == ("namespace shop: Deployment/web: now Recreate",)


def test_under_an_approval_that_is_too_old_what_is_in_flight_lands_and_then_a_person_is_asked(
    cluster: PaperCluster,
) -> None:
    """The acting step asks; a yes goes on where it stood, a no blocks."""
    rig = approved(cluster)
    rig.turn("restart")
    begun = restarted(cluster)
    rig.approval_ended = cluster.now - timedelta(minutes=1)
    asked = rig.run("restart")
    assert isinstance(asked, Ask)
    assert asked.question == "Go on with 2 workloads whose approval is too old?"
    assert asked.moved[0].startswith("its approval counted until 2")
    assert restarted(cluster) == begun
    rig.decide(asked, "deny", "not tonight")
    assert isinstance(rig.turn("restart"), Blocked)
    again = rig.run("restart")
    assert isinstance(again, Ask)
    rig.decide(again)
    rig.approval_ended = None
    assert isinstance(rig.run("restart"), Done)
    assert restarted(cluster) == {"web", "db", "other"}


def test_what_was_approved_anew_may_drop_out_again(cluster: PaperCluster) -> None:
    """The renewed approval is taken over once."""
    rig = approved(cluster)
    rig.approval_ended = cluster.now
    asked = rig.run("restart")
    rig.decide(asked)
    rig.approval_ended = None
    assert isinstance(rig.turn("restart"), Waiting)
    cluster.change(WEB, strategy="Recreate")
    later = rig.run("restart")
    assert isinstance(later, Ask)
    assert later.moved == ("namespace shop: Deployment/web: now Recreate",)


SHOWN = BoundWorkload("restart", "care", ("no readiness probe", "single replica"))


def risk(kind: str, level: Level, *, passing: bool = False) -> Risk:
    """A risk of that kind."""
    return Risk(kind, level, "", "", passing=passing)


@pytest.mark.parametrize(
    ("method", "risks", "why"),
    [
        ("restart", (), ""),
        ("manual", (risk("paused", "care"),), ""),
        ("evict", (), "it was to be moved by restart and now by evict"),
        ("restart", (risk("mutable image tag", "note"),), ""),
        ("restart", (risk("PDB 0", "care", passing=True),), ""),
        ("restart", (risk("changed configuration", "care"),), "now changed configuration"),
        ("restart", (risk("Recreate", "outage"), risk("OnDelete", "care")), "now OnDelete, Recreate"),
        ("restart", (risk("single replica", "note"),), ""),
        ("restart", (risk("single replica", "outage"),), "now single replica"),
        ("restart", (risk("no sidecar yet", "care"),), ""),
    ],
)
def test_only_another_method_and_a_worse_risk_count(method: str, risks: tuple[Risk, ...], why: str) -> None:
    """A risk counts that was not shown and is no mere note, or that grew."""
    assert find_worse(SHOWN, method, risks) == why  # type: ignore[arg-type]
