"""A Deployment that fills the nodes."""

from __future__ import annotations

import pytest

from sandbox.cluster.objects.objects import condition_of
from tests.unit.sandbox.cluster.yard import make_yard


@pytest.mark.parametrize("rule", ["anti-affinity", "host-port"])
def test_its_rollout_finds_no_node(rule: str) -> None:
    """The pods there are have one each."""
    yard = make_yard("shop", mesh="1.4.7-asm.0")
    yard.cluster.sky.begin("crowded", {"rule": rule})
    yard.settle()
    assert len({pod["spec"]["nodeName"] for pod in yard.pods("edge")}) == 3
    yard.restart("deployments.apps", "edge")
    yard.settle()
    (waiting,) = (pod for pod in yard.pods("edge") if not pod["spec"].get("nodeName"))
    reason = condition_of(waiting, "PodScheduled")
    assert reason is not None
    assert reason["reason"] == "Unschedulable"
    yard.cluster.sky.end("crowded")
    yard.settle()
    assert yard.pods("edge") == []


def test_a_spread_alone_leaves_a_node() -> None:
    """As long as every node takes pods."""
    yard = make_yard("shop", mesh="1.4.7-asm.0")
    yard.cluster.sky.begin("crowded", {"rule": "topology"})
    yard.settle()
    yard.restart("deployments.apps", "edge")
    yard.settle()
    assert all(pod["spec"].get("nodeName") for pod in yard.pods("edge"))
