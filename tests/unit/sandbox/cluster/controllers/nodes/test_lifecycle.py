"""Lost nodes of the simulated cluster, and what becomes of their pods."""

from __future__ import annotations

from sandbox.cluster.controllers.nodes.lifecycle import GRACE_SECONDS
from sandbox.cluster.objects.objects import condition_of, is_pod_ready, is_terminating, name_of
from tests.unit.sandbox.cluster.yard import Json, Yard, make_yard, until, workload


def lose_node_of(yard: Yard, pod: Json) -> str:
    """Silence the node that a pod is on."""
    node = str(pod["spec"]["nodeName"])
    yard.cluster.loops.nodes.lose(node)
    return node


def test_a_lost_node_keeps_its_pods_terminating() -> None:
    """Unknown after 40 s, its pods out of service; deleted after 300 s more, and there for ever."""
    yard = make_yard(nodes=3)
    yard.create(workload("StatefulSet", "db", replicas=3, serviceName="db"))
    yard.settle(30)
    node = lose_node_of(yard, yard.get("pods", "db-1"))
    yard.settle(GRACE_SECONDS + 1)
    ready = condition_of(yard.get("nodes", node, ""), "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")
    pod = yard.get("pods", "db-1")
    assert not is_pod_ready(pod)
    assert all(row["ready"] for row in pod["status"]["containerStatuses"])
    assert not is_terminating(pod)
    yard.settle(301)
    yard.settle(3600)
    assert is_terminating(yard.get("pods", "db-1"))
    assert yard.get("statefulsets.apps", "db")["status"]["readyReplicas"] == 2


def test_a_deployment_replaces_the_pods_of_a_lost_node() -> None:
    """Elsewhere, for the taint keeps the new ones out."""
    yard = make_yard(nodes=3)
    yard.create(workload("Deployment", "web", replicas=3))
    yard.settle(30)
    node = lose_node_of(yard, yard.pods("web")[0])
    yard.settle(400)
    live = yard.pods("web")
    assert len(live) == 3
    assert all(is_pod_ready(pod) and pod["spec"]["nodeName"] != node for pod in live)


def test_a_daemon_set_leaves_its_pod_on_a_lost_node() -> None:
    """It bears the taint, and no pod is wanted there as long as the node is lost."""
    yard = make_yard(nodes=3)
    yard.create(workload("DaemonSet", "agent"))
    yard.settle(30)
    lose_node_of(yard, yard.pods("agent")[0])
    yard.settle(400)
    assert len(yard.pods("agent")) == 3
    status = yard.get("daemonsets.apps", "agent")["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"]) == (2, 2)


def test_a_node_that_comes_back_ends_what_it_should() -> None:
    """Its terminating pods go, and the others are ready again."""
    yard = make_yard(nodes=3)
    yard.create(workload("StatefulSet", "db", replicas=3, serviceName="db"), workload("DaemonSet", "agent"))
    yard.settle(30)
    node = lose_node_of(yard, yard.get("pods", "db-1"))
    yard.settle(400)
    before = yard.get("pods", "db-1")["metadata"]["uid"]
    yard.cluster.loops.nodes.recover(node)
    until(lambda: yard.get("statefulsets.apps", "db")["status"].get("readyReplicas") == 3, yard)
    assert yard.get("pods", "db-1")["metadata"]["uid"] != before
    assert yard.get("daemonsets.apps", "agent")["status"]["numberReady"] == 3


def test_the_pods_of_a_node_that_is_gone_are_collected() -> None:
    """So that a StatefulSet can go on elsewhere."""
    yard = make_yard(nodes=3)
    yard.create(workload("StatefulSet", "db", replicas=3, serviceName="db"))
    yard.settle(30)
    node = lose_node_of(yard, yard.get("pods", "db-1"))
    yard.settle(400)
    resource = yard.cluster.resources.by_key("nodes")
    yard.cluster.store.remove(resource.key, yard.get("nodes", node, ""))
    until(lambda: yard.get("statefulsets.apps", "db")["status"].get("readyReplicas") == 3, yard)
    assert {name_of(pod) for pod in yard.pods("db")} == {"db-0", "db-1", "db-2"}
