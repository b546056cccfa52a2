"""StatefulSets, DaemonSets, bare ReplicaSets, Jobs and autoscalers of the simulated cluster."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.controllers.workloads.revisions import pod_revision
from sandbox.cluster.objects.objects import Json, is_pod_ready, is_terminating, name_of
from tests.unit.sandbox.cluster.yard import Yard, bare_pod, make_yard, names, workload

SETS = "statefulsets.apps"
DAEMONS = "daemonsets.apps"


def stateful(yard: Yard, replicas: int = 3, **spec: Any) -> None:
    yard.create(workload("StatefulSet", "db", replicas=replicas, serviceName="db", **spec))
    yard.settle(60)


def on_old_revision(yard: Yard) -> list[str]:
    update = yard.get(SETS, "db")["status"]["updateRevision"]
    return names([pod for pod in yard.pods("db") if pod_revision(pod) != update])


def test_stateful_pods_start_in_order() -> None:
    """A pod waits for the one before it to be ready."""
    yard = make_yard()
    yard.create(workload("StatefulSet", "db", replicas=3, serviceName="db"))
    yard.settle(2.5)
    assert names(yard.pods()) == ["db-0", "db-1"]
    yard.settle(10)
    assert names(yard.pods()) == ["db-0", "db-1", "db-2"]


def test_stateful_restart_goes_from_the_top() -> None:
    """The highest ordinal is replaced first, and one at a time."""
    yard = make_yard()
    stateful(yard)
    yard.restart(SETS, "db")
    yard.settle(0.5)
    leaving = [name_of(pod) for pod in yard.cluster.store.each("pods", "shop") if is_terminating(pod)]
    assert leaving == ["db-2"]
    yard.settle(60)
    assert on_old_revision(yard) == []
    status = yard.get(SETS, "db")["status"]
    assert status["currentRevision"] == status["updateRevision"]


def test_partition_keeps_the_lower_pods() -> None:
    """Below the partition pods stay on the revision of before, also when they are evicted."""
    yard = make_yard()
    stateful(yard, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    yard.restart(SETS, "db")
    yard.settle(60)
    assert on_old_revision(yard) == ["db-0", "db-1"]
    yard.delete("pods", "db-0")
    yard.settle(60)
    assert on_old_revision(yard) == ["db-0", "db-1"]


def test_on_delete_waits_for_deletion() -> None:
    """With OnDelete a restart replaces nothing; a deleted pod comes back on the new revision."""
    yard = make_yard()
    stateful(yard, updateStrategy={"type": "OnDelete"})
    yard.restart(SETS, "db")
    yard.settle(60)
    assert on_old_revision(yard) == ["db-0", "db-1", "db-2"]
    yard.delete("pods", "db-1")
    yard.settle(60)
    assert on_old_revision(yard) == ["db-0", "db-2"]


def test_stateful_set_scales_down_from_the_top() -> None:
    """Fewer replicas remove the highest ordinals."""
    yard = make_yard()
    stateful(yard)
    yard.patch(SETS, "db", {"spec": {"replicas": 1}})
    yard.settle(60)
    assert names(yard.pods()) == ["db-0"]


def test_daemon_set_has_one_pod_a_node() -> None:
    """Each node gets one pod, a new node included."""
    yard = make_yard(nodes=3)
    yard.create(workload("DaemonSet", "agent"))
    yard.settle(10)
    assert len({pod["spec"]["nodeName"] for pod in yard.pods()}) == 3
    extra = dict(next(iter(yard.cluster.store.each("nodes"))))
    yard.create({**extra, "metadata": {"name": "another", "labels": {}}})
    yard.settle(10)
    assert yard.get(DAEMONS, "agent")["status"]["numberReady"] == 4


def test_daemon_set_restarts_one_node_at_a_time() -> None:
    """With the default maxUnavailable never more than one node is without a ready pod."""
    yard = make_yard(nodes=4)
    yard.create(workload("DaemonSet", "agent"))
    yard.settle(10)
    yard.restart(DAEMONS, "agent")
    fewest = 4
    for _ in range(120):
        yard.settle(0.25)
        fewest = min(fewest, sum(1 for pod in yard.pods() if is_pod_ready(pod)))
    assert fewest == 3
    assert yard.get(DAEMONS, "agent")["status"]["updatedNumberScheduled"] == 4


def test_daemon_set_on_delete_keeps_its_pods() -> None:
    """With OnDelete a restart changes the status alone."""
    yard = make_yard(nodes=2)
    yard.create(workload("DaemonSet", "agent", updateStrategy={"type": "OnDelete"}))
    yard.settle(10)
    before = names(yard.pods())
    yard.restart(DAEMONS, "agent")
    yard.settle(60)
    assert names(yard.pods()) == before
    assert "updatedNumberScheduled" not in yard.get(DAEMONS, "agent")["status"]


def test_bare_replica_set_refills_and_ignores_its_template() -> None:
    """A template change replaces no pod; a deleted pod comes back with the new template."""
    yard = make_yard()
    yard.create(workload("ReplicaSet", "web", replicas=2))
    yard.settle(10)
    before = names(yard.pods())
    yard.restart("replicasets.apps", "web")
    yard.settle(60)
    assert names(yard.pods()) == before
    yard.delete("pods", before[0])
    yard.settle(10)
    stamped = [pod for pod in yard.pods() if pod["metadata"].get("annotations")]
    assert len(stamped) == 1


def test_replication_controller_keeps_its_pods() -> None:
    """The oldest kind of owner works too."""
    yard = make_yard()
    owner = workload("ReplicationController", "web", api="v1", replicas=2)
    del owner["spec"]["selector"]
    yard.create(owner)
    yard.settle(10)
    assert yard.get("replicationcontrollers", "web")["status"]["readyReplicas"] == 2


def test_deleted_run_is_made_again() -> None:
    """A Job whose running pod is deleted makes another one."""
    yard = make_yard()
    yard.create(long_run("report", 3600))
    yard.settle(10)
    first = names(yard.pods())
    yard.delete("pods", first[0])
    yard.settle(10)
    assert len(yard.pods()) == 1
    assert names(yard.pods()) != first


def test_run_completes() -> None:
    """A Job without a sidecar ends when its command does."""
    yard = make_yard()
    yard.create(long_run("report", 30))
    yard.settle(60)
    status = yard.get("jobs.batch", "report")["status"]
    assert status["succeeded"] == 1
    assert status["conditions"][0]["type"] == "Complete"


def long_run(name: str, seconds: int) -> Json:
    made = workload("Job", name, api="batch/v1")
    del made["spec"]["selector"]
    pod = made["spec"]["template"]["spec"]
    pod["restartPolicy"] = "Never"
    pod["containers"][0]["command"] = ["sleep", str(seconds)]
    return made


def test_cron_run_starts_on_its_schedule() -> None:
    """A CronJob makes a Job when its time comes."""
    yard = make_yard()
    metadata = {"name": "tidy", "namespace": "shop"}
    spec = {"schedule": "*/5 * * * *", "jobTemplate": {"spec": long_run("x", 1)["spec"]}}
    yard.create({"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": metadata, "spec": spec})
    yard.settle(900)
    assert len(list(yard.cluster.store.each("jobs.batch", "shop"))) == 3


def test_bare_pod_does_not_come_back() -> None:
    """A deleted pod without an owner is gone for good."""
    yard = make_yard()
    yard.create(bare_pod("lonely"))
    yard.settle(5)
    yard.delete("pods", "lonely")
    yard.settle(60)
    assert yard.cluster.store.find("pods", "shop", "lonely") is None


def test_two_kinds_of_one_name_and_template_share_a_revision() -> None:
    """Its name is made of both, and a real controller takes the one that is there."""
    yard = make_yard()
    yard.create(workload("StatefulSet", "db", replicas=1, serviceName="db"), workload("DaemonSet", "db"))
    yard.settle(60)
    assert len(list(yard.cluster.store.each("controllerrevisions.apps", "shop"))) == 1
    assert yard.get(SETS, "db")["status"]["readyReplicas"] == 1
