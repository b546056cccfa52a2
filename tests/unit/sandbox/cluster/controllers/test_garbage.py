"""What goes with a deleted object of the simulated cluster, and what stays."""

from __future__ import annotations

from sandbox.cluster.objects.objects import controller_of, is_terminating
from sandbox.cluster.server.deletion import DeleteOptions, delete_object
from tests.unit.sandbox.cluster.yard import bare_pod, make_yard, until, workload


def test_dependents_go_with_their_owner() -> None:
    """A deleted Deployment takes its ReplicaSets and pods with it."""
    yard = make_yard()
    yard.create(workload("Deployment", "web", replicas=2))
    yard.settle(10)
    yard.delete("deployments.apps", "web")
    yard.settle(10)
    assert yard.pods() == []
    assert list(yard.cluster.store.each("replicasets.apps", "shop")) == []


def test_foreground_deletion_waits_for_dependents() -> None:
    """In the foreground the owner stays until its pods are gone."""
    yard = make_yard()
    yard.create(workload("Deployment", "web", replicas=2))
    yard.settle(10)
    yard.delete("deployments.apps", "web", propagation="Foreground")
    yard.settle(0.2)
    assert is_terminating(yard.get("deployments.apps", "web"))
    until(lambda: yard.cluster.store.find("deployments.apps", "shop", "web") is None, yard)
    assert list(yard.cluster.store.each("pods", "shop")) == []


def test_orphans_lose_their_owner() -> None:
    """Orphaned pods stay, without an owner reference."""
    yard = make_yard()
    yard.create(workload("ReplicaSet", "web", replicas=2))
    yard.settle(10)
    yard.delete("replicasets.apps", "web", propagation="Orphan")
    yard.settle(10)
    assert [controller_of(pod) for pod in yard.pods()] == [None, None]


def test_deleted_namespace_takes_everything() -> None:
    """A namespace is Terminating until its pods are gone, then it is gone too."""
    yard = make_yard()
    yard.create(workload("Deployment", "web", replicas=2), bare_pod("lonely"))
    yard.settle(10)
    resource = yard.cluster.resources.by_key("namespaces")
    delete_object(yard.cluster.api, resource, yard.get("namespaces", "shop", ""), DeleteOptions())
    yard.settle(0.2)
    assert yard.get("namespaces", "shop", "")["status"]["phase"] == "Terminating"
    yard.settle(30)
    assert yard.cluster.store.find("namespaces", "", "shop") is None
    assert list(yard.cluster.store.each("pods", "shop")) == []
