"""Whether a rollout finds a node for its first new pod, and what a shared disk makes of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from steps.mesh import Node, Placement, Requirement, Taint, Workload
from steps.workloads.method import Method
from steps.workloads.placement import HOSTNAME, Room
from steps.workloads.risk import find_risks
from steps.workloads.subject import Risk
from tests.unit.steps.builders import make_node
from tests.unit.steps.shapes import pod, subject, workload

APART = Placement(apart=(HOSTNAME,))
ZONES = Placement(apart=("zone",))
PORT = Placement(host_ports=(8443,))
DISK = Placement(claims=("files",))
CLAIMS = {("shop", "files"): ("ReadWriteOnce",)}


def nodes(count: int, **more: Any) -> tuple[Node, ...]:
    """So many nodes in two zones."""
    return tuple(
        make_node(f"n{number}", labels={HOSTNAME: f"n{number}", "zone": "ab"[number % 2]}, **more)
        for number in range(count)
    )


def risks(shape: Workload, around: tuple[Node, ...] = (), method: Method = "restart", **more: Any) -> list[Risk]:
    """Those about nodes and disks, and about a single replica."""
    kinds = ("no free node", "disk deadlock", "disk moves", "single replica", "Recreate")
    return [risk for risk in find_risks(subject(method, shape, nodes=around, **more)) if risk.kind in kinds]


@pytest.mark.parametrize(
    ("placement", "replicas", "count", "surge", "away", "blocks"),
    [
        (APART, 3, 3, "25%", "25%", True),
        (APART, 3, 4, "25%", "25%", False),
        (APART, 4, 4, "25%", "25%", False),
        (APART, 3, 3, "1", "1", False),
        (APART, 3, 3, "0", "1", False),
        (APART, 3, 3, "1", "0", True),
        (APART, 3, 3, "", "", True),
        (APART, 5, 3, "1", "0", True),
        (PORT, 3, 3, "25%", "25%", True),
        (PORT, 2, 3, "1", "0", False),
        (ZONES, 2, 6, "1", "0", True),
        (ZONES, 1, 6, "1", "0", False),
        (Placement(), 3, 3, "1", "0", False),
    ],
)
def test_a_rollout_that_will_find_no_node_is_predicted(
    placement: Placement, replicas: int, count: int, surge: str, away: str, blocks: bool
) -> None:
    """As many pods as places, and none that may go first."""
    shape = workload(replicas=replicas, placement=placement, max_surge=surge, max_unavailable=away)
    found = [risk for risk in risks(shape, nodes(count)) if risk.kind == "no free node"]
    assert bool(found) is blocks
    if blocks:
        assert "no node is left for a new pod" in found[0].sentence
        assert "maxSurge 0" in found[0].person


def test_nodes_that_take_no_pod_are_no_places() -> None:
    """Cordoned, lost, or without the labels that the template asks for."""
    shape = workload(placement=APART, max_surge="1", max_unavailable="0")
    assert risks(shape, nodes(4)) == []
    assert risks(shape, (*nodes(3), make_node("n9", labels={HOSTNAME: "n9"}, ready=False)))
    assert risks(shape, (*nodes(3), make_node("n9", labels={HOSTNAME: "n9"}, unschedulable=True)))
    picky = dataclasses.replace(shape, placement=dataclasses.replace(APART, node_labels={"zone": "a"}))
    assert risks(picky, nodes(6))
    assert risks(picky, nodes(8)) == []


GPU = Taint("gpu", "NoSchedule", "yes")


@pytest.mark.parametrize(
    ("taint", "bears", "blocks"),
    [
        (GPU, (), True),
        (GPU, (Taint("gpu", "NoSchedule", "yes"),), False),
        (GPU, (Taint("gpu", "", None),), False),
        (GPU, (Taint("", "", None),), False),
        (GPU, (Taint("gpu", "NoSchedule", "no"),), True),
        (GPU, (Taint("gpu", "NoExecute", None),), True),
        (GPU, (Taint("team", "", None),), True),
        (Taint("gpu", "NoExecute"), (), True),
        (Taint("gpu", "PreferNoSchedule"), (), False),
    ],
)
def test_a_node_whose_taint_the_pods_do_not_bear_is_no_place(
    taint: Taint, bears: tuple[Taint, ...], blocks: bool
) -> None:
    """A free node beside three that are taken helps only where its taint is borne."""
    free = make_node("n9", labels={HOSTNAME: "n9"}, taints=(taint,))
    shape = workload(placement=dataclasses.replace(APART, bears=bears), max_surge="1", max_unavailable="0")
    assert bool(risks(shape, (*nodes(3), free))) is blocks


@pytest.mark.parametrize(
    ("terms", "blocks"),
    [
        (((Requirement("pool", "In", ("old", "new")),),), False),
        (((Requirement("pool", "In", ("old",)),),), True),
        (((Requirement("pool", "In", ("old",)),), (Requirement("pool", "Exists"),)), False),
        (((Requirement("pool", "Exists"), Requirement("cores", "Gt", ("4",))),), True),
        (((Requirement("cores", "Lt", ("9",)),),), False),
        (((Requirement("pool", "NotIn", ("new",)),),), True),
        (((Requirement("pool", "DoesNotExist"),),), True),
    ],
)
def test_a_node_that_node_affinity_rules_out_is_no_place(
    terms: tuple[tuple[Requirement, ...], ...], blocks: bool
) -> None:
    """Of its terms one is enough, with all that it says; three nodes are taken and one is free."""
    taken = [make_node(f"n{n}", labels={HOSTNAME: f"n{n}", "pool": "old", "cores": "8"}) for n in range(3)]
    free = make_node("n9", labels={HOSTNAME: "n9", "pool": "new", "cores": "4"})
    shape = workload(placement=dataclasses.replace(APART, node_terms=terms), max_surge="1", max_unavailable="0")
    assert bool(risks(shape, (*taken, free))) is blocks


@pytest.mark.parametrize("method", ["restart", "evict"])
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_where_no_node_takes_its_pods_a_workload_would_lose_them(kind: str, method: Method) -> None:
    """Its nodes were tainted or labelled anew after its pods had started: said before anybody approves."""
    shape = workload(kind, placement=Placement(node_labels={"pool": "old"}))
    (risk,) = (one for one in risks(shape, nodes(3), method) if one.kind == "no free node")
    assert risk.level == "outage"
    assert "none of the 3 nodes takes its pods now" in risk.sentence
    old = make_node("n9", labels={"pool": "old"})
    assert not [one for one in risks(shape, (*nodes(3), old), method) if one.kind == "no free node"]
    assert not [one for one in risks(shape, (), method) if one.kind == "no free node"]


@pytest.mark.parametrize(
    ("kind", "method", "replicas"), [("DaemonSet", "restart", 3), ("Job", "manual", 1), ("Deployment", "restart", 0)]
)
def test_what_loses_no_pod_is_told_of_no_node(kind: str, method: Method, replicas: int) -> None:
    """A DaemonSet's pods are made for their nodes, and what is left alone goes nowhere."""
    shape = workload(kind, replicas=replicas, placement=Placement(node_labels={"pool": "old"}))
    assert not [one for one in risks(shape, nodes(3), method) if one.kind == "no free node"]


@pytest.mark.parametrize(
    ("room", "asks", "fitting"),
    [
        (Room(1000, 1000, 9), {"cpu_millis": 300}, 3),
        (Room(1000, 1000, 9), {"memory_bytes": 500}, 2),
        (Room(1000, 1000, 9), {"cpu_millis": 300, "memory_bytes": 500}, 2),
        (Room(1000, 1000, 1), {"cpu_millis": 300}, 1),
        (Room(200, 1000, 9), {"cpu_millis": 300}, 0),
        (Room(1000, 1000, 9), {}, 9),
        (Room(-1, 1000, 9), {"memory_bytes": 1}, 0),
        (Room(-1, 1000, 9), {}, 9),
        (Room(-500, 1000, -2), {}, 0),
    ],
)
def test_a_node_takes_as_many_pods_as_its_scarcest_measure(room: Room, asks: dict[str, Any], fitting: int) -> None:
    """Processor, memory, or the number of pods."""
    assert room.count_fitting(workload(**asks)) == fitting


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "the 3 nodes open to it have room for 1 of them"),
        ({"unschedulable": True}, "the 2 nodes open to it have room for 1 of them"),
        ({"ready": False}, "the 2 nodes open to it have room for 1 of them"),
        ({"taints": (GPU,)}, "the 2 nodes open to it have room for 1 of them"),
        ({"labels": {"zone": "b"}}, "the 2 nodes open to it have room for 1 of them"),
    ],
)
def test_no_room_counts_the_nodes_that_the_pods_may_go_to(more: dict[str, Any], told: str) -> None:
    """An empty node helps only where it is open to them; three more pods ask for 400m each."""
    shape = workload(replicas=3, cpu_millis=400, max_surge="100%", placement=Placement(node_labels={"zone": "a"}))
    around = (*(make_node(name, labels={"zone": "a"}) for name in ("n1", "n2")),
              make_node("n3", **{"labels": {"zone": "a"}, **more}))  # fmt: skip
    rooms = {"n1": Room(300, 0, 9), "n2": Room(500, 0, 9), "n3": Room(4000 if more else 0, 0, 9)}
    (risk,) = (one for one in find_risks(subject("restart", shape, nodes=around, rooms=rooms)) if one.kind == "no room")
    assert told in risk.fact
    rooms |= {"n2": Room(2000, 0, 9)}
    around = tuple(dataclasses.replace(node, taints=()) for node in around)
    assert "no room" not in [one.kind for one in find_risks(subject("restart", shape, nodes=around, rooms=rooms))]


def test_a_spread_counts_a_tainted_node_as_a_place() -> None:
    """The scheduler does, and puts nothing there."""
    shape = workload(placement=Placement(spread=(HOSTNAME,)), max_surge="1", max_unavailable="0")
    tainted = make_node("n9", labels={HOSTNAME: "n9"}, taints=(GPU,))
    assert risks(shape, (*nodes(3), tainted))
    assert risks(shape, nodes(4)) == []


def test_eviction_lets_the_old_pod_go_first() -> None:
    """And so leaves its node to the new one."""
    assert risks(workload(placement=APART), nodes(3), "evict") == []


@pytest.mark.parametrize(
    ("shape", "method", "kinds"),
    [
        (workload(replicas=1, placement=DISK), "restart", ["disk deadlock"]),
        (workload(replicas=1, placement=DISK, max_surge="0", max_unavailable="1"), "restart",
         ["single replica", "disk moves"]),
        (workload(replicas=1, placement=DISK, strategy="Recreate"), "restart", ["Recreate", "disk moves"]),
        (workload(replicas=1, placement=DISK), "evict", ["single replica", "disk moves"]),
        (workload(replicas=3, placement=DISK), "restart", ["disk deadlock"]),
        (workload("StatefulSet", replicas=1, placement=DISK), "restart", ["single replica"]),
        (workload(replicas=1, placement=Placement(claims=("shared",))), "restart", ["single replica"]),
    ],
)  # fmt: skip
def test_a_disk_is_a_deadlock_or_an_outage(shape: Workload, method: Method, kinds: list[str]) -> None:
    """It is said which; a claim that many nodes may have at once is neither."""
    claims = {**CLAIMS, ("shop", "shared"): ("ReadWriteMany",)}
    found = risks(shape, nodes(3), method, claims=claims)
    assert [risk.kind for risk in found] == kinds
    if "files" in shape.placement.claims:
        assert not any("starts the new pod before the old one stops" in risk.sentence for risk in found)


def test_a_spread_that_counts_a_closed_node_may_leave_no_place() -> None:
    """The scheduler counts it as empty, and fills the others no further."""
    shape = workload(placement=Placement(spread=(HOSTNAME,)), max_surge="1", max_unavailable="0")
    closed = make_node("n9", labels={HOSTNAME: "n9"}, unschedulable=True)
    assert [risk.kind for risk in risks(shape, (*nodes(3), closed))] == ["no free node"]
    assert risks(shape, nodes(4)) == []


def test_a_job_that_is_done_is_told_as_done() -> None:
    """Not as one to wait for."""
    one = subject("manual", workload("Job"), pod("report-x", spent=True))
    (risk,) = (risk for risk in find_risks(one) if risk.kind == "Job")
    assert "work is done" in risk.fact
    assert "wait" not in risk.person
