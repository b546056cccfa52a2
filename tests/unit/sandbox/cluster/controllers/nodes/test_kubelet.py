"""The kubelets of the simulated cluster: how pods start, crash and end."""

from __future__ import annotations

from sandbox.cluster.objects.objects import is_pod_ready, is_terminating
from sandbox.cluster.server.faults import PodFault
from tests.unit.sandbox.cluster.yard import bare_pod, make_yard


def test_deleting_waits_for_the_grace_period() -> None:
    """A deleted pod is terminating until its containers have stopped."""
    yard = make_yard()
    yard.create(bare_pod("lonely"))
    yard.settle(5)
    yard.delete("pods", "lonely")
    yard.settle(0.5)
    assert is_terminating(yard.get("pods", "lonely"))
    assert yard.get("pods", "lonely")["metadata"]["deletionGracePeriodSeconds"] == 30


def test_crashing_container_backs_off() -> None:
    """A crash loop shows CrashLoopBackOff, counts restarts and waits longer each time."""
    yard = make_yard()
    yard.cluster.faults.pods.active.append(PodFault("crashing", image="example.com/lonely:*"))
    yard.create(bare_pod("lonely"))
    yard.settle(5)
    row = yard.get("pods", "lonely")["status"]["containerStatuses"][0]
    assert row["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert row["lastState"]["terminated"]["exitCode"] == 1
    yard.settle(60)
    assert yard.get("pods", "lonely")["status"]["containerStatuses"][0]["restartCount"] == 3


def test_cleared_fault_lets_the_pod_recover() -> None:
    """A container that no longer crashes becomes ready after its next start."""
    yard = make_yard()
    yard.cluster.faults.pods.active.append(PodFault("crashing"))
    yard.create(bare_pod("lonely"))
    yard.settle(30)
    yard.cluster.faults.pods.active.clear()
    yard.settle(60)
    assert is_pod_ready(yard.get("pods", "lonely"))


def test_unpullable_image_shows() -> None:
    """An image that can't be pulled keeps the pod Pending with ImagePullBackOff."""
    yard = make_yard()
    yard.cluster.faults.pods.active.append(PodFault("unpullable"))
    yard.create(bare_pod("lonely"))
    yard.settle(10)
    status = yard.get("pods", "lonely")["status"]
    assert status["phase"] == "Pending"
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff"


def test_stuck_pod_stays_terminating() -> None:
    """A pod may be made to hang in Terminating."""
    yard = make_yard()
    yard.cluster.faults.pods.active.append(PodFault("stuck-terminating"))
    yard.create(bare_pod("lonely"))
    yard.settle(5)
    yard.delete("pods", "lonely")
    yard.settle(600)
    assert is_terminating(yard.get("pods", "lonely"))
