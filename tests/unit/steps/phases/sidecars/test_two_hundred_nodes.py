"""A mesh on two hundred nodes at the guide's pace: nobody is stopped over what only takes its time."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster.http.tls import ensure_certificate
from sandbox.cluster.seeds import objects as seed_objects
from steps.contract.options import Limits
from steps.contract.step import Done
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh, take_mesh_snapshot
from tests.unit.steps.rig import load_release, start

NODES = 200
NEW = "1.4.10-asm.18"
# 100 pods a minute.
GUIDE = Limits(pods_per_minute=100)


def list_objects() -> list[dict[str, Any]]:
    """Two hundred nodes for agents alone, which are replaced node by node, and a Deployment beside them."""
    nodes = [seed_objects.node(number, "v1.16.15-gke.6000") for number in range(100, 100 + NODES)]
    for node in nodes:
        node["spec"]["taints"] = [{"key": "agents", "effect": "NoSchedule"}]
    agents = seed_objects.daemon_set("agents", "agent")
    agents["spec"]["template"]["spec"]["tolerations"] = [{"key": "agents", "operator": "Exists"}]
    return [
        *nodes,
        seed_objects.namespace("agents", injected=True),
        agents,
        seed_objects.deployment("agents", "web", 30),
    ]


@pytest.mark.timeout(600)
def test_a_mesh_on_two_hundred_nodes_moves_without_a_stop(tmp_path: Path) -> None:
    """One node after the other outlasts the patience with a workload; all pods of the ledger are upgraded."""
    release = load_release()
    snapshot = take_mesh_snapshot(release, list_objects())
    with ExitStack() as stack:
        mesh = SimulatedMesh(release, ensure_certificate(tmp_path / "tls"), tmp_path, stack, snapshot)
        begun = mesh.now
        rig = start(mesh, limits=GUIDE, skip_namespaces=("shop", "data", "batch"))
        assert isinstance(rig.approve("approve"), Done)
        outcome = rig.run("restart", turns=10_000)
        assert isinstance(outcome, Done), outcome
        # Longer than the patience with a workload before it is scaled by its size.
        assert (mesh.now - begun).total_seconds() > GUIDE.workload_patience_seconds
        assert mesh.versions("agents") == {NEW}
    entries = [entry for entry in rig.ledger.read_entries() if entry.namespace == "agents"]
    assert {entry.state for entry in entries} == {"upgraded"}
    assert len(entries) >= NODES + 30
