"""What people keep in istio-system."""

from __future__ import annotations

from sandbox.cluster.http.server import SimulatedCluster
from tests.unit.sandbox.cluster.yard import HandClock


def test_own_gateway() -> None:
    """A Deployment with a proxy of its own and no label of the operator, until it ends."""
    cluster = SimulatedCluster(HandClock())
    cluster.sky.begin("own-gateway")
    cluster.tick()
    made = cluster.store.find("deployments.apps", "istio-system", "team-gateway")
    assert made is not None
    assert made["metadata"]["labels"] == {"app": "team-gateway"}
    containers = made["spec"]["template"]["spec"]["containers"]
    assert [one["image"].rpartition(":")[2] for one in containers if one["name"] == "istio-proxy"] == ["1.4.7-asm.0"]
    cluster.sky.end("own-gateway")
    assert cluster.store.find("deployments.apps", "istio-system", "team-gateway") is None
