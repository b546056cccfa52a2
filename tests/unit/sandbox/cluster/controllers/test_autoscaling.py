"""Autoscalers of the simulated cluster."""

from __future__ import annotations

from tests.unit.sandbox.cluster.yard import make_yard, workload


def test_autoscaler_keeps_its_limits() -> None:
    """Replicas are raised to the minimum, and to what load wishes for, up to the maximum."""
    yard = make_yard()
    yard.create(workload("Deployment", "web", replicas=1))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"minReplicas": 2, "maxReplicas": 4, "scaleTargetRef": target}
    metadata = {"name": "web", "namespace": "shop"}
    yard.create({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec})
    yard.settle(10)
    assert yard.get("deployments.apps", "web")["spec"]["replicas"] == 2
    yard.cluster.loops.autoscalers.wishes["shop", "web"] = 9
    yard.cluster.engine.look_at("horizontal-pod-autoscaler", "shop", "web")
    yard.settle(10)
    assert yard.get("deployments.apps", "web")["spec"]["replicas"] == 4
