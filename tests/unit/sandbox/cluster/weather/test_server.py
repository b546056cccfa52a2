"""The API server and the injector on a bad day."""

from __future__ import annotations

from tests.unit.sandbox.cluster.yard import make_yard, workload


def test_injector_down() -> None:
    """No pod is made while it lasts, and they come once it is over."""
    yard = make_yard(mesh="1.4.7-asm.0")
    yard.cluster.sky.begin("injector-down")
    yard.create(workload("Deployment", "web", replicas=2))
    yard.settle(10)
    assert yard.pods("web") == []
    yard.cluster.sky.end("injector-down")
    yard.settle(60)
    assert len(yard.pods("web")) == 2


def test_latency() -> None:
    """Seconds that are there while it lasts."""
    yard = make_yard()
    yard.cluster.sky.begin("latency", {"seconds": 0.5})
    assert yard.cluster.faults.latency == 0.5
    yard.cluster.sky.end("latency")
    assert yard.cluster.faults.latency == 0.0


def test_lost_requests() -> None:
    """About as many as are asked for fail."""
    yard = make_yard()
    yard.cluster.sky.begin("lost-requests", {"percent": 50.0})
    struck = [yard.cluster.faults.strike("get", "pods", "shop") is not None for _ in range(1000)]
    assert 400 < sum(struck) < 600
