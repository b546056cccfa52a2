"""A node whose kubelet is heard no more: what becomes of it and of its pods."""

from __future__ import annotations

from typing import Any

import pytest

from steps.mesh import Node, Pod, WorkloadRef
from tests.contracts.ground import Ground
from tests.contracts.shapes import daemon_set, deployment, named, stateful_set, template

# A node counts as lost after 40 s, and its last beat may be ten seconds old; the pods of a deleted one are looked for
# every 20 s and collected 40 s later. A machine that is busy takes several times as long.
LONG = 300.0
UNREACHABLE = "node.kubernetes.io/unreachable"
pytestmark = pytest.mark.timeout(900)


def bear(seconds: int) -> list[dict[str, Any]]:
    """The toleration of a pod that leaves a lost node after so long, and not after five minutes."""
    return [{"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}]


def find_node(ground: Ground, name: str) -> Node:
    """A node as the bot sees it."""
    return next(node for node in ground.gateway.list_nodes() if node.name == name)


def find_pod(ground: Ground, space: str, name: str) -> Pod | None:
    """A pod by its name, one on its way out too."""
    return next((pod for pod in ground.gateway.list_pods(space) if pod.name == name), None)


def lose_node_of(ground: Ground, pod: Pod) -> str:
    """Lose the node of a pod, and wait until the cluster knows."""
    ground.lose_nodes(pod.node)
    ground.until(lambda: not find_node(ground, pod.node).ready, LONG)
    return pod.node


def stand_apart(name: str) -> dict[str, Any]:
    """The affinity of pods of which no two stand on one node."""
    term = {"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def start_stateful_set(ground: Ground) -> tuple[WorkloadRef, Pod]:
    """A StatefulSet of two pods on two nodes that bear a lost node for two seconds, and its second pod."""
    ground.need("faults")
    db = WorkloadRef(ground.make_space(), "StatefulSet", "db")
    pods = template("db", tolerations=bear(2), affinity=stand_apart("db"))
    ground.create(stateful_set(db.namespace, template=pods))
    ground.settle(db)
    pod = find_pod(ground, db.namespace, "db-1")
    assert pod is not None
    return db, pod


@pytest.mark.weather("a node is lost: its pods stay Terminating, with their last statuses")
def test_a_lost_node_keeps_its_pods_terminating(ground: Ground) -> None:
    """Out of service though their containers say ready; no successor of the same name while one is terminating."""
    db, before = start_stateful_set(ground)
    space = db.namespace
    lose_node_of(ground, before)
    ground.until(lambda: (pod := find_pod(ground, space, "db-1")) and pod.terminating, LONG)
    ground.pause(3)
    pod = find_pod(ground, space, "db-1")
    assert pod is not None
    assert (pod.uid, pod.ready, pod.total, pod.is_ready) == (before.uid, 1, 1, False)
    assert ground.read(db).ready == 1
    ground.lose_nodes()
    ground.until(lambda: (one := find_pod(ground, space, "db-1")) and one.uid != before.uid and one.is_ready, LONG)


def test_a_deployment_replaces_the_pods_of_a_lost_node(ground: Ground) -> None:
    """Elsewhere, while the old ones are still terminating."""
    ground.need("faults")
    space = ground.make_space()
    ground.create(deployment(space, pods=template("web", tolerations=bear(2))))
    ground.settle(named(space))
    first = ground.list_live(space)[0]
    node = lose_node_of(ground, first)
    ground.until(lambda: (one := find_pod(ground, space, first.name)) and one.terminating, LONG)
    ground.until(lambda: ground.read(named(space)).available == 2, LONG)
    assert all(pod.node != node for pod in ground.list_live(space))
    assert find_pod(ground, space, first.name) is not None


@pytest.mark.weather("a node is lost: its pods stay Terminating, with their last statuses")
def test_a_daemon_set_wants_no_pod_on_a_lost_node(ground: Ground) -> None:
    """The one that is there stays, out of service; a restart asks it to go, and it does not."""
    ground.need("faults")
    space = ground.make_space()
    agent = WorkloadRef(space, "DaemonSet", "agent")
    ground.create(daemon_set(space))
    count = len(ground.gateway.list_nodes())
    ground.until(lambda: ground.read(agent).available == count, LONG)
    pod = ground.list_live(space)[0]
    lose_node_of(ground, pod)
    ground.until(lambda: ground.read(agent).replicas == count - 1, LONG)
    ground.until(lambda: (one := find_pod(ground, space, pod.name)) and not one.is_ready)
    assert [one.terminating for one in ground.gateway.list_pods(space) if one.uid == pod.uid] == [False]
    ground.gateway.restart_workload(agent, "2026-03-02T09:00:00Z")
    ground.until(lambda: ground.read(agent).updated == count - 1, LONG)
    ground.until(lambda: (one := find_pod(ground, space, pod.name)) and one.terminating, LONG)


def test_the_pods_of_a_deleted_node_are_collected(ground: Ground) -> None:
    """Then a StatefulSet goes on elsewhere."""
    db, before = start_stateful_set(ground)
    space = db.namespace
    node = lose_node_of(ground, before)
    held = ground.send("GET", f"/api/v1/nodes/{node}").json()
    assert ground.send("DELETE", f"/api/v1/nodes/{node}").is_success
    ground.until(lambda: (one := find_pod(ground, space, "db-1")) and one.uid != before.uid and one.is_ready, 400)
    found = find_pod(ground, space, "db-1")
    assert found is not None
    assert found.node != node
    ground.until(lambda: ground.read(db).ready == 2)
    fresh = {key: held["metadata"][key] for key in ("name", "labels")}
    made = {"apiVersion": "v1", "kind": "Node", "metadata": fresh, "spec": {}, "status": held["status"]}
    assert ground.send("POST", "/api/v1/nodes", made).is_success
    ground.lose_nodes()
    ground.until(lambda: find_node(ground, node).ready, LONG)
