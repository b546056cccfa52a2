"""The kubelets of the simulated cluster: how pods start, crash and end."""

from __future__ import annotations

from sandbox.cluster.controllers.readiness_gates import NEG_READY
from sandbox.cluster.objects.objects import condition_of, is_pod_ready, is_terminating
from sandbox.cluster.server.faults import PodFault
from tests.unit.sandbox.cluster.yard import Yard, bare_pod, make_yard, until


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


def test_a_readiness_gate_keeps_a_pod_out_of_service() -> None:
    """Its containers are ready, the pod is not, until somebody sets the gate's condition."""
    yard = make_yard()
    yard.create(bare_pod("lonely", readinessGates=[{"conditionType": "example.com/gate"}]))
    yard.settle(60)
    pod = yard.get("pods", "lonely")
    ready = condition_of(pod, "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", "ReadinessGatesNotReady")
    assert all(row["ready"] for row in pod["status"]["containerStatuses"])
    open_gate(yard, "True")
    assert is_pod_ready(yard.get("pods", "lonely"))
    open_gate(yard, "False")
    assert not is_pod_ready(yard.get("pods", "lonely"))


def open_gate(yard: Yard, status: str) -> None:
    """Set the gate's condition as its controller would."""
    pod = yard.get("pods", "lonely")
    others = [row for row in pod["status"]["conditions"] if row["type"] != "example.com/gate"]
    conditions = [*others, {"type": "example.com/gate", "status": status}]
    yard.cluster.api.set_status("pods", pod, {**pod["status"], "conditions": conditions})
    yard.settle(1)


def test_a_load_balancer_opens_its_gate_after_a_while() -> None:
    """So many seconds after the containers are ready."""
    yard = make_yard()
    yard.cluster.loops.gates.delays[NEG_READY] = 90.0
    yard.create(bare_pod("lonely", readinessGates=[{"conditionType": NEG_READY}]))
    assert 90 < until(lambda: is_pod_ready(yard.get("pods", "lonely")), yard) < 95
