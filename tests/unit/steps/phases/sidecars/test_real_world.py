from collections import Counter
from typing import Any

import pytest

from sandbox.cluster.control import Control
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.controllers.readiness_gates import NEG_READY
from sandbox.cluster.objects.objects import is_pod_ready
from sandbox.cluster.seeds import objects as seed_objects
from sandbox.cluster.seeds.cluster_x import create_any
from steps.contract.options import Limits
from steps.contract.step import Blocked, Done
from steps.mesh import Owner, Pod, WorkloadRef
from steps.phases.sidecars.flights.lookout import pick_pods
from steps.workloads.injection import PINNED_IMAGE
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh, take_mesh_snapshot
from tests.unit.steps.rig import Rig, load_release, start
from tests.unit.steps.shapes import pod, workload

NEW = "1.4.10-asm.18"
FAST = Limits(workloads_at_once=0, pods_per_minute=0)
# Seconds between two looks where pods take minutes.
UNHURRIED = 10.0
STABLE = WorkloadRef("busy", "Deployment", "front")
CANARY = WorkloadRef("busy", "Deployment", "front-canary")


def list_objects() -> list[dict[str, Any]]:
    """Workloads as people really run them."""
    canary = seed_objects.deployment("busy", "front", 2)
    canary["metadata"]["name"] = "front-canary"
    for labels in (canary["spec"]["selector"]["matchLabels"], canary["spec"]["template"]["metadata"]["labels"]):
        labels["track"] = "canary"
    gated = seed_objects.deployment("gated", "edge", 4)
    gated["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": NEG_READY}]
    return [
        seed_objects.namespace("busy", injected=True),
        seed_objects.deployment("busy", "front", 3),
        canary,
        seed_objects.namespace("tight", injected=True),
        seed_objects.deployment("tight", "crowd", 20),
        seed_objects.namespace("slow", injected=True),
        seed_objects.stateful_set("slow", "db", 5),
        seed_objects.namespace("gated", injected=True),
        gated,
    ]


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Any]:
    """Make the mesh once."""
    return take_mesh_snapshot(load_release(), list_objects())


def approved(mesh: SimulatedMesh, *skipped: str, gated: bool = False, **options: Any) -> Rig[SimulatedMesh]:
    """A planned and approved phase of the namespaces busy and tight, but for those skipped."""
    others = ("shop", "data", "batch", *skipped, *(() if gated else ("gated",)))
    rig = start(mesh, **{"limits": FAST, "skip_namespaces": others, **options})
    outcome = rig.approve("approve")
    assert isinstance(outcome, Done), outcome
    return rig


def slow_down(mesh: SimulatedMesh, pace: Pace) -> None:
    """Let the nodes take their time from now on."""
    mesh.control(lambda cluster: setattr(cluster.loops.kubelet, "pace", pace))


def test_a_deployment_whose_selector_covers_another_is_told_from_it(mesh: SimulatedMesh) -> None:
    """Stable and canary share a label; each has its own pods all the same."""
    rig = approved(mesh, "tight", "slow", limits=Limits(workloads_at_once=1))
    assert isinstance(rig.run("restart"), Done)
    ended = Counter((e.workload, e.state) for e in rig.ledger.read_entries() if e.namespace == "busy")
    assert ended == {(str(STABLE), "upgraded"): 3, (str(CANARY), "upgraded"): 2}


def test_a_rollout_that_squeezes_through_a_quota_is_waited_for(mesh: SimulatedMesh) -> None:
    """The controller complains in between; as long as pods come, nobody is asked."""
    slow_down(mesh, Pace(create=20, ready=40, stop=10))
    rig = approved(mesh, "busy", "slow")
    mesh.control(
        lambda cluster: Control(cluster, cluster.sky).set_quota({"namespace": "tight", "hard": {"pods": "20"}})
    )
    assert isinstance(rig.run("restart"), Done)
    assert mesh.versions("tight") == {NEW}


def test_pods_that_start_slowly_are_waited_for(mesh: SimulatedMesh) -> None:
    """Ten minutes for each pod of a StatefulSet, one by one: slow is not stuck."""
    slow_down(mesh, Pace(create=20, ready=400, stop=10, spread=0.0))
    rig = approved(mesh, "busy", "tight")
    assert isinstance(rig.run("restart", turns=5000, pause=UNHURRIED), Done)
    assert mesh.versions("slow") == {NEW}


def test_a_budget_of_one_makes_evictions_patient(mesh: SimulatedMesh) -> None:
    """Pod by pod takes longer than the strategy would let expect."""
    slow_down(mesh, Pace(create=20, ready=40, stop=10, spread=0.0))
    mesh.control(lambda cluster: create_any(cluster, seed_objects.budget("tight", "crowd", min_available=19)))
    mesh.tick(5)
    rig = approved(mesh, "busy", "slow", evict_namespaces=("tight",))
    assert isinstance(rig.run("restart", turns=5000, pause=UNHURRIED), Done)
    assert mesh.versions("tight") == {NEW}


@pytest.mark.weather("a load balancer's readiness gate opens late")
@pytest.mark.parametrize("evicting", [True, False])
def test_a_load_balancer_is_waited_for(mesh: SimulatedMesh, evicting: bool) -> None:
    """It finds a pod healthy 90 s after its containers are ready; until then the pod serves nobody."""
    mesh.control(lambda cluster: cluster.loops.gates.delays.update({NEG_READY: 90.0}))
    gated = {"gated": True, "evict_namespaces": ("gated",)} if evicting else {"gated": True}
    rig = approved(mesh, "busy", "tight", "slow", **gated)
    serving: list[int] = []

    def count() -> None:
        # By the cluster's own word, not by the gateway's.
        serving.append(sum(is_pod_ready(pod) for pod in mesh.cluster.store.each("pods", "gated")))

    assert isinstance(rig.run("restart", turns=5000, between=count), Done)
    assert mesh.versions("gated") == {NEW}
    assert min(serving) >= 3, serving


def test_a_template_pinned_after_the_approval_is_not_restarted(cluster: PaperCluster) -> None:
    """Its pods would come back with the old sidecar."""
    web = cluster.add("Deployment", "shop", "web", 2)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.approve("approve")
    cluster.change(web.ref, template_annotations={PINNED_IMAGE: "proxyv2:1.4.7-asm.0"})
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert "its template pins its sidecar to proxyv2:1.4.7-asm.0 by now" in outcome.why
    assert cluster.restarts == []


def hashed(name: str, owner: str, **labels: str) -> Pod:
    """A pod of the ReplicaSet with these labels beside the selector's."""
    written = {key.replace("_", "-"): text for key, text in labels.items()}
    return pod(name, owner=Owner("ReplicaSet", owner), labels={"app": "web", **written})


@pytest.mark.parametrize(
    ("one", "kind", "own"),
    [
        (hashed("a", "web-5d9c", pod_template_hash="5d9c"), "Deployment", True),
        (hashed("a", "web-canary-5d9c", pod_template_hash="5d9c"), "Deployment", False),
        (hashed("a", "web-5d9c", pod_template_hash="5d9c"), "Rollout", False),
        (hashed("a", "web-5d9c", rollouts_pod_template_hash="5d9c"), "Rollout", True),
        (hashed("a", "web-5d9c", rollouts_pod_template_hash="5d9c"), "Deployment", False),
        (hashed("a", "made-by-hand"), "Deployment", True),
        (hashed("known", "shop-5d9c", pod_template_hash="5d9c"), "Deployment", True),
        (pod("a", owner=Owner("ReplicaSet", "web-5d9c", group="example.com")), "Deployment", False),
        (pod("a", owner=Owner("StatefulSet", "web", group="apps.kruise.io")), "StatefulSet", False),
        (pod("a", owner=Owner("StatefulSet", "web", group="apps")), "StatefulSet", True),
    ],
)
def test_a_pod_belongs_to_who_made_it(one: Pod, kind: str, own: bool) -> None:
    """Labels alone do not tell: selectors overlap, and kinds of other groups share a name."""
    assert bool(pick_pods([one], workload(kind), {"uid-known"})) is own
