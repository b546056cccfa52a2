"""A Deployment of one pod on a disk that one node can have."""

from __future__ import annotations

from sandbox.cluster.objects.objects import is_pod_ready
from tests.unit.sandbox.cluster.yard import Yard, make_yard


def _restart(strategy: str) -> Yard:
    yard = make_yard("shop", mesh="1.4.7-asm.0")
    yard.cluster.sky.begin("single-disk", {"strategy": strategy})
    yard.settle()
    yard.restart("deployments.apps", "files")
    yard.settle()
    return yard


def _said(yard: Yard) -> list[str]:
    events = yard.cluster.store.each("events", "shop")
    return [event["message"] for event in events if event["reason"] == "FailedAttachVolume"]


def test_a_new_pod_on_another_node_waits_for_the_disk() -> None:
    """And the old one for the new to be ready; once the old one is gone by hand it goes on."""
    yard = _restart("RollingUpdate")
    old, new = sorted(yard.pods("files"), key=is_pod_ready, reverse=True)
    assert old["spec"]["nodeName"] != new["spec"]["nodeName"]
    assert new["status"]["phase"] == "Pending"
    assert new["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    (message,) = _said(yard)
    assert message.startswith('Multi-Attach error for volume "pvc-')
    assert message.endswith(f"Volume is already used by pod(s) {old['metadata']['name']}")
    yard.cluster.store.remove("pods", old)
    yard.settle()
    assert [is_pod_ready(pod) for pod in yard.pods("files")] == [True]


def test_a_pod_that_comes_after_the_old_one_gets_the_disk() -> None:
    """Recreate is an outage and no deadlock."""
    yard = _restart("Recreate")
    assert [is_pod_ready(pod) for pod in yard.pods("files")] == [True]
    assert _said(yard) == []
