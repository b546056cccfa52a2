"""A node is lost under the phase: what the ledger says of each pod by name, and what a person is told."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sandbox.cluster.seeds import objects as seed_objects
from steps.contract.options import Limits
from steps.contract.step import Ask, Blocked, Done
from steps.mesh import Pod
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh, take_mesh_snapshot
from tests.unit.steps.rig import Rig, load_release, start

NEW = "1.4.10-asm.18"
FAST = Limits(workloads_at_once=0, pods_per_minute=0, workload_patience_seconds=300)
# Seconds between two looks while a lost node's minutes go by.
UNHURRIED = 10.0
OTHERS = ("shop", "data", "batch")
SPACES = ("stateful", "daemons", "plain")


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Any]:
    """Make the mesh once, with a workload of each kind in a namespace of its own."""
    spaces = [seed_objects.namespace(name, injected=True) for name in SPACES]
    return take_mesh_snapshot(
        load_release(),
        [
            *spaces, seed_objects.stateful_set("stateful", "db", 3), seed_objects.daemon_set("daemons", "agent"),
            seed_objects.deployment("plain", "web", 3),
        ],
    )  # fmt: skip


def plan(mesh: SimulatedMesh, space: str) -> Rig[SimulatedMesh]:
    """The phase over one of the namespaces alone, approved."""
    skipped = (*OTHERS, *(one for one in SPACES if one != space))
    rig = start(mesh, limits=FAST, skip_namespaces=skipped)
    assert isinstance(rig.approve("approve"), Done)
    return rig


def list_pods(mesh: SimulatedMesh, space: str) -> list[Pod]:
    """Its pods, those on their way out too."""
    return sorted(mesh.kubernetes.list_pods(space), key=lambda pod: pod.name)


def choose_node(mesh: SimulatedMesh, space: str) -> str:
    """A node that some of its pods and no injector is on; of those the one with the fewest of its pods."""
    injectors = {p.node for p in list_pods(mesh, "istio-system") if "injector" in p.name}
    counted = Counter(pod.node for pod in list_pods(mesh, space) if pod.node not in injectors)
    return min(counted, key=lambda node: (counted[node], node))


def lose(mesh: SimulatedMesh, node: str) -> None:
    """Let nothing be heard of a node any more."""
    mesh.control(lambda cluster: cluster.loops.nodes.lose(node))


def describe_states(rig: Rig[SimulatedMesh], space: str) -> dict[str, str]:
    """The state of each of the namespace's pods by name."""
    return {entry.pod: entry.state for entry in rig.ledger.read_entries() if entry.namespace == space}


@pytest.mark.weather("a node is lost: its pods stay Terminating, with their last statuses")
def test_a_stateful_sets_pod_on_a_lost_node_is_named_and_no_other(mesh: SimulatedMesh) -> None:
    """It is terminating for ever: only what came before it in the rollout's order was upgraded."""
    rig = plan(mesh, "stateful")
    node = choose_node(mesh, "stateful")
    lose(mesh, node)
    outcome = rig.run("restart", turns=5000, pause=UNHURRIED)
    assert isinstance(outcome, Blocked)
    stuck = next(pod for pod in list_pods(mesh, "stateful") if pod.terminating)
    assert f"{stuck.name} on {node} should have ended" in outcome.why
    assert f"node {node} is not ready" in outcome.why
    moved = {p.name for p in list_pods(mesh, "stateful") if p.proxy_image.endswith(NEW) and p.is_ready}
    states = describe_states(rig, "stateful")
    assert {name for name, state in states.items() if state == "upgraded"} == moved
    assert 0 < len(moved) < 3
    assert states[stuck.name] == "failed"


@pytest.mark.weather("a node is lost: its pods stay Terminating, with their last statuses")
def test_a_daemon_sets_pod_on_a_lost_node_is_named_and_no_other(mesh: SimulatedMesh) -> None:
    """Every other node has its new pod; that one pod is not gone, and nothing replaces it."""
    rig = plan(mesh, "daemons")
    node = choose_node(mesh, "daemons")
    stuck = next(pod for pod in list_pods(mesh, "daemons") if pod.node == node)
    before = {pod.name for pod in list_pods(mesh, "daemons")}
    lose(mesh, stuck.node)
    mesh.tick(60)
    outcome = rig.run("restart", turns=5000, pause=UNHURRIED)
    assert isinstance(outcome, Blocked)
    assert f"{stuck.name} on {stuck.node}" in outcome.why
    assert f"node {stuck.node} is not ready" in outcome.why
    states = describe_states(rig, "daemons")
    assert states == {**dict.fromkeys(before, "upgraded"), stuck.name: "failed"}


def test_a_deployment_moves_away_from_a_lost_node(mesh: SimulatedMesh) -> None:
    """Its pods run elsewhere; that an old one is still terminating holds nobody up."""
    rig = plan(mesh, "plain")
    node = choose_node(mesh, "plain")
    lose(mesh, node)
    mesh.tick(60)
    assert isinstance(rig.run("restart", turns=5000, pause=UNHURRIED), Done)
    assert set(describe_states(rig, "plain").values()) == {"upgraded"}
    assert [pod.node for pod in list_pods(mesh, "plain") if pod.terminating][:1] == [node]


@pytest.mark.weather("a node is lost: its pods stay Terminating, with their last statuses")
@pytest.mark.parametrize("seconds", [60, 900])
def test_a_lost_node_under_a_workloads_pods_is_a_risk_at_the_gate(mesh: SimulatedMesh, seconds: float) -> None:
    """Node and pod by name, before anybody approves, also where the pod has been terminating for long."""
    node = choose_node(mesh, "stateful")
    stuck = next(pod for pod in list_pods(mesh, "stateful") if pod.node == node)
    lose(mesh, node)
    mesh.tick(seconds)
    rig = start(mesh, limits=FAST, skip_namespaces=(*OTHERS, "daemons", "plain"))
    asked = rig.turn("approve")
    assert isinstance(asked, Ask)
    assert asked.card
    assert any(f"on {node}, which is not ready" in risk and stuck.name in risk for risk in asked.card.risks)


@pytest.mark.weather("nodes upgraded under the phase")
def test_nodes_that_are_replaced_under_the_phase_lose_nobody(mesh: SimulatedMesh) -> None:
    """A node upgrade drains what the phase restarts: each pod ends as what became of it, all with the new sidecar."""
    rig = start(mesh, limits=FAST, skip_namespaces=OTHERS)
    assert isinstance(rig.approve("approve"), Done)
    before = {pod.name: pod for space in SPACES for pod in list_pods(mesh, space)}
    mesh.control(lambda cluster: cluster.sky.begin("node-upgrade"))
    assert isinstance(rig.run("restart", turns=5000), Done)
    for space in SPACES:
        assert {pod.proxy_image.rpartition(":")[2] for pod in list_pods(mesh, space)} == {NEW}
    kept = {pod.node for pod in list_pods(mesh, "daemons")}
    for name, state in describe_states(rig, "daemons").items():
        # A daemon is replaced where its node is still there, and gone with a node that is gone.
        assert state == "upgraded" or before[name].node not in kept
    assert set(describe_states(rig, "stateful").values()) == {"upgraded"}
    assert set(describe_states(rig, "plain").values()) == {"upgraded"}
