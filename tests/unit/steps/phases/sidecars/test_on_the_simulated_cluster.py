import dataclasses
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.gateways.kubernetes.connections import Connection
from sandbox.cluster.control import Control
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate
from sandbox.cluster.seeds import objects as seed_objects
from sandbox.cluster.server.faults import PodFault, RequestFault
from steps.contract.errors import TryAgain
from steps.contract.options import Limits
from steps.contract.step import Blocked, Done, Waiting
from steps.mesh import WorkloadRef
from tests.direct import DirectConnection
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh, connect_by_wire, take_mesh_snapshot
from tests.unit.steps.rig import Rig, load_release, start

NEW = "1.4.10-asm.18"
WEB = WorkloadRef("shop", "Deployment", "web")
CART = WorkloadRef("shop", "Deployment", "cart")
FAST = Limits(workloads_at_once=0, pods_per_minute=0)


@pytest.fixture
def wired(
    snapshot: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Iterator[SimulatedMesh]:
    """Give the mesh on loopback, as a bot reaches it."""
    certificate = ensure_certificate(tmp_path_factory.mktemp("tls"))
    with ExitStack() as stack:

        def connect(cluster: SimulatedCluster) -> Connection:
            return connect_by_wire(cluster, certificate, tmp_path, stack)

        yield SimulatedMesh(load_release(), connect, stack, snapshot)


def approved(mesh: SimulatedMesh, **options: Any) -> Rig[SimulatedMesh]:
    """A planned and approved phase."""
    rig = start(mesh, **{"limits": FAST, **options})
    outcome = rig.approve("approve")
    assert isinstance(outcome, Done), outcome
    return rig


def test_a_whole_phase_moves_every_owned_pod(wired: SimulatedMesh) -> None:
    """Only the Job and the bare pod keep their sidecar."""
    rig = approved(wired)
    assert isinstance(rig.run("restart"), Done)
    assert isinstance(rig.approve("acknowledge"), Done)
    assert wired.versions("shop") == wired.versions("data") == {NEW}
    assert (rig.count("upgraded"), rig.count("manual"), rig.count("pending")) == (56, 2, 0)


def test_a_namespace_chosen_for_eviction_obeys_its_budget(mesh: SimulatedMesh) -> None:
    """Evictions never take more than the budget allows."""
    rig = approved(mesh, evict_namespaces=("shop",))
    least = 99

    def sample() -> None:
        nonlocal least
        ready = sum(pod.ready == pod.total for pod in mesh.list_live("shop") if pod.labels.get("app") == "cart")
        least = min(least, ready)

    assert isinstance(rig.run("restart", between=sample), Done)
    assert least >= 3
    assert mesh.versions("shop") == {NEW}


def test_pods_born_without_a_sidecar_are_found(mesh: SimulatedMesh) -> None:
    """What was made while its namespace had no label gets its sidecar."""
    mesh.control(lambda cluster: _label(cluster, "legacy"))
    rig = approved(mesh)
    assert isinstance(rig.run("restart"), Done)
    assert mesh.versions("legacy") == {NEW}


@pytest.mark.weather("injector down in the middle")
def test_an_injector_that_goes_down_in_the_middle_is_waited_for(mesh: SimulatedMesh) -> None:
    """No pod is lost, and the phase ends once the injector is back."""
    rig = approved(mesh, limits=dataclasses.replace(FAST, workloads_at_once=2))
    for _ in range(4):
        rig.turn("restart")
        mesh.tick(2)
    mesh.control(lambda cluster: setattr(cluster.injector, "down", True))
    for _ in range(5):
        rig.turn("restart")
        mesh.tick(2)
    mesh.control(lambda cluster: setattr(cluster.injector, "down", False))
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("upgraded") == 56


@pytest.mark.weather("crash-looping new pods")
def test_crash_looping_pods_block_with_their_state(mesh: SimulatedMesh) -> None:
    """The sentence has the pod's own reason, the file its events."""
    rig = approved(mesh)
    mesh.control(lambda cluster: cluster.faults.pods.active.append(PodFault("crashing", "*", "shop", "web-*")))
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert "shop/Deployment/web" in outcome.why
    assert "CrashLoopBackOff" in outcome.why
    assert outcome.attachments


def test_an_unpullable_image_blocks(mesh: SimulatedMesh) -> None:
    """An image that can't be had is told apart from slowness."""
    rig = approved(mesh)
    mesh.control(lambda cluster: cluster.faults.pods.active.append(PodFault("unpullable", "*", "shop", "cart-*")))
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert "ImagePullBackOff" in outcome.why


@pytest.mark.weather("Unschedulable")
def test_a_full_cluster_blocks_with_the_schedulers_words(mesh: SimulatedMesh) -> None:
    """Unschedulable pods are waited for, then told."""
    rig = approved(mesh, limits=dataclasses.replace(FAST, workload_patience_seconds=60))
    mesh.control(lambda cluster: Control(cluster, cluster.sky).resize_nodes({"allocatable": {"cpu": "100m"}}))
    outcome = rig.run("restart", turns=2000)
    assert isinstance(outcome, Blocked)
    assert "nodes are available" in outcome.why


@pytest.mark.weather("quota exceeded")
def test_a_quota_blocks_with_its_name(mesh: SimulatedMesh) -> None:
    """A controller that may not create pods says so."""
    rig = approved(mesh)
    mesh.control(lambda cluster: Control(cluster, cluster.sky).set_quota({"namespace": "shop", "hard": {"pods": "1"}}))
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert "exceeded quota" in outcome.why


@pytest.mark.weather("namespace deleted in the middle")
def test_a_namespace_deleted_in_the_middle_is_gone(mesh: SimulatedMesh) -> None:
    """Its pods end as gone, the others as upgraded."""
    rig = approved(mesh, limits=dataclasses.replace(FAST, workloads_at_once=3))
    for _ in range(4):
        rig.turn("restart")
        mesh.tick(2)
    mesh.kubernetes.delete_namespace("shop")
    assert isinstance(rig.run("restart"), Done)
    ended = Counter(e.state for e in rig.ledger.read_entries() if e.namespace == "shop")
    assert set(ended) <= {"gone", "upgraded"}
    assert sum(ended.values()) == 49


@pytest.mark.weather("workload edited by somebody else in the middle")
def test_a_workload_edited_by_somebody_else_ends_well(mesh: SimulatedMesh) -> None:
    """A rollout of another image in the middle brings the sidecar all the same."""
    rig = approved(mesh)
    for _ in range(4):
        rig.turn("restart")
        mesh.tick(1)
    container = {"name": "web", "image": "registry.example.com/web:2"}
    mesh.patch(WEB, {"spec": {"template": {"spec": {"containers": [_first_container(mesh, container)]}}}})
    assert isinstance(rig.run("restart"), Done)
    assert mesh.versions("shop") == {NEW}


@pytest.mark.weather("workload scaled in the middle, as an autoscaler does it")
def test_a_workload_scaled_in_the_middle_adds_up(mesh: SimulatedMesh) -> None:
    """Pods that an autoscaler took are gone, and the sum holds."""
    rig = approved(mesh)
    for _ in range(3):
        rig.turn("restart")
        mesh.tick(1)
    mesh.patch(WEB, {"spec": {"replicas": 4}})
    assert isinstance(rig.run("restart"), Done)
    ended = Counter(e.state for e in rig.ledger.read_entries() if e.workload == str(WEB))
    assert ended == {"upgraded": 4, "gone": 6}


@pytest.mark.weather("one request in twenty failing")
def test_one_failing_request_in_twenty_changes_nothing(wired: SimulatedMesh) -> None:
    """Random 503s and resets cost time only: each workload's template changes once."""
    rig = approved(wired)
    before = {w.ref: w.generation for w in wired.kubernetes.list_workloads("shop", ["Deployment"])}
    wired.control(lambda cluster: cluster.faults.requests.append(RequestFault("status", 503, percent=4.0)))
    wired.control(lambda cluster: cluster.faults.requests.append(RequestFault("reset", percent=1.0)))
    wired.control(lambda cluster: setattr(cluster, "faults_strike_admin", True))
    assert isinstance(run_through_faults(rig), Done)
    wired.control(lambda cluster: cluster.faults.clear())
    after = {w.ref: w.generation for w in wired.kubernetes.list_workloads("shop", ["Deployment"])}
    assert {ref: after[ref] - before[ref] for ref in before} == dict.fromkeys(before, 1)


def test_a_throttled_eviction_waits_as_long_as_asked(wired: SimulatedMesh) -> None:
    """A 429 with Retry-After is the API server's, not the budget's."""
    rig = approved(wired, evict_namespaces=("data",))
    fault = RequestFault("status", 429, retry_after=7, resource="pods/eviction", times=1)
    wired.control(lambda cluster: cluster.faults.requests.append(fault))
    wired.control(lambda cluster: setattr(cluster, "faults_strike_admin", True))
    assert isinstance(rig.run("restart"), Done)
    assert fault.times == 0


@pytest.mark.weather("two clusters at once")
def test_two_upgrades_of_two_clusters_do_not_meet(mesh: SimulatedMesh, snapshot: dict[str, Any]) -> None:
    """Turn by turn side by side, each ends as if alone."""
    with ExitStack() as stack:
        other = SimulatedMesh(load_release(), DirectConnection, stack, snapshot)
        rigs = [approved(mesh), approved(other)]
        outcomes: dict[int, object] = {}
        while len(outcomes) < 2:
            for number, rig in enumerate(rigs):
                outcome = rig.turn("restart") if number not in outcomes else outcomes[number]
                if not isinstance(outcome, Waiting):
                    outcomes[number] = outcome
                rig.cluster.tick(1)
        assert [rig.count("upgraded") for rig in rigs] == [56, 56]


def run_through_faults(rig: Rig[SimulatedMesh]) -> object:
    """Run the restart as the runner does: a read that failed is tried again in the next turn."""
    for _ in range(500):
        try:
            outcome = rig.turn("restart")
        except TryAgain:
            rig.commit()
            rig.cluster.tick(2)
            continue
        if not isinstance(outcome, Waiting):
            return outcome
        rig.cluster.tick(outcome.retry_in)
    raise AssertionError("never ended")


def _label(cluster: Any, name: str) -> None:
    resource = cluster.resources.of_kind("", "Namespace")
    change = {"metadata": {"labels": {"istio-injection": "enabled"}}}
    cluster.api.patch(resource, "", name, change, "application/merge-patch+json", version="v1")


def _first_container(mesh: SimulatedMesh, container: dict[str, str]) -> dict[str, str]:
    shape = mesh.kubernetes.read_workload(WEB)
    assert shape is not None
    return container | {"name": next(iter(shape.images))}


def stateful(name: str, strategy: dict[str, Any]) -> dict[str, Any]:
    """A StatefulSet of three pods in data."""
    made = seed_objects.stateful_set("data", name, 3)
    made["spec"]["updateStrategy"] = strategy
    return made


@pytest.fixture(scope="module")
def held_snapshot() -> dict[str, Any]:
    """Make a mesh with StatefulSets and a DaemonSet that hold updates back, and a bare ReplicaSet."""
    on_delete = {"type": "OnDelete"}
    agent = seed_objects.daemon_set("data", "agent")
    agent["spec"]["updateStrategy"] = on_delete
    lone = {**seed_objects.deployment("data", "lone", 3), "kind": "ReplicaSet"}
    parted = stateful("parted", {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    return take_mesh_snapshot(load_release(), (stateful("manual-db", on_delete), parted, agent, lone))


@pytest.fixture
def held(held_snapshot: dict[str, Any]) -> Iterator[SimulatedMesh]:
    """Give that mesh."""
    with ExitStack() as stack:
        yield SimulatedMesh(load_release(), DirectConnection, stack, held_snapshot)


def test_held_back_workloads_are_evicted_pod_by_pod(held: SimulatedMesh) -> None:
    """OnDelete, a partition and a bare ReplicaSet get the sidecar without a rollout."""
    before = {w.ref: w.update_revision for w in held.kubernetes.list_workloads("data", ["StatefulSet"])}
    rig = approved(held)
    assert isinstance(rig.run("restart"), Done)
    after = {w.ref: w.update_revision for w in held.kubernetes.list_workloads("data", ["StatefulSet"])}
    unmoved = [ref.name for ref in before if before[ref] == after[ref]]
    assert held.versions("data") == {NEW}
    assert sorted(unmoved) == ["manual-db", "parted"]


def test_a_change_that_is_held_back_stays_held_back(held: SimulatedMesh) -> None:
    """Pods whose eviction would roll it out are left to a person."""
    manual = WorkloadRef("data", "StatefulSet", "manual-db")
    change = {"spec": {"template": {"metadata": {"annotations": {"example.com/build": "2"}}}}}
    held.patch(manual, change)
    held.tick(10)
    rig = start(held, limits=FAST)
    entries = [entry for entry in rig.ledger.read_entries() if entry.workload == str(manual)]
    assert [entry.state for entry in entries] == ["manual"] * 3
    assert "update strategy OnDelete" in entries[0].reason
