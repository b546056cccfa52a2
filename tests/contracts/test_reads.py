"""What the bot reads of a cluster, field by field."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from steps.contract.errors import GiveUp
from steps.mesh import Placement, Requirement, Workload
from tests.contracts.ground import INJECTED, Ground
from tests.contracts.shapes import (
    IMAGE,
    bare_pod,
    budget,
    config,
    daemon_set,
    deployment,
    long_run,
    named,
    replication_controller,
    stateful_set,
    template,
    workload,
)

CHANGING = ("uid", "resource_version", "generation", "observed_generation", "current_revision", "update_revision")


def keep_shape(found: Workload) -> dict[str, Any]:
    """The fields that say something and don't differ from one object to the next."""
    shape = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return {name: value for name, value in shape.items() if value and value != Placement() and name not in CHANGING}


def test_a_deployment_is_read_with_the_servers_defaults(ground: Ground) -> None:
    """Strategy and deadline stand there although nobody wrote them."""
    space = ground.make_space()
    ground.create(deployment(space))
    found = ground.settle(named(space))
    assert keep_shape(found) == {
        "ref": named(space), "replicas": 2, "current": 2, "updated": 2, "ready": 2, "available": 2,
        "strategy": "RollingUpdate", "max_unavailable": "25%", "max_surge": "25%", "selector": {"app": "web"},
        "template_labels": {"app": "web"}, "images": {"app": IMAGE}, "progress_deadline_seconds": 600,
    }  # fmt: skip


def test_a_stateful_set_is_read_with_its_revisions(ground: Ground) -> None:
    """Rolled out means: one revision."""
    space = ground.make_space()
    ground.create(stateful_set(space))
    db = named(space, "StatefulSet", "db")
    found = ground.settle(db)
    ground.until(lambda: ground.read(db).current_revision == ground.read(db).update_revision != "")
    assert (found.strategy, found.partition, found.replicas, found.current, found.ready) == (
        "RollingUpdate",
        0,
        2,
        2,
        2,
    )


def test_a_daemon_set_counts_nodes(ground: Ground) -> None:
    """One pod a node, one at a time."""
    space = ground.make_space()
    ground.create(daemon_set(space))
    agent = named(space, "DaemonSet", "agent")
    ground.until(lambda: ground.read(agent).replicas > 0)
    found = ground.settle(agent)
    assert found.replicas == len([node for node in ground.gateway.list_nodes() if node.ready])
    assert (found.strategy, found.max_unavailable) == ("RollingUpdate", "1")


def test_every_kind_is_listed(ground: Ground) -> None:
    """Owners included; Argo Rollouts are none where nobody installed them."""
    space = ground.make_space()
    ground.create(
        deployment(space), stateful_set(space), daemon_set(space), workload("ReplicaSet", space, "single", replicas=1),
        replication_controller(space), long_run(space),
    )  # fmt: skip
    ground.settle(named(space))
    found = ground.gateway.list_workloads(space)
    names = sorted((one.ref.kind, one.ref.name.partition("-")[0]) for one in found)
    assert names == [
        ("DaemonSet", "agent"), ("Deployment", "web"), ("Job", "report"), ("ReplicaSet", "single"),
        ("ReplicaSet", "web"), ("ReplicationController", "old"), ("StatefulSet", "db"),
    ]  # fmt: skip


def test_a_replica_set_names_its_deployment(ground: Ground) -> None:
    """Owners are walked by reference."""
    space = ground.make_space()
    ground.create(deployment(space))
    made = ground.settle(named(space))
    (inner,) = ground.gateway.list_workloads(space, ("ReplicaSet",))
    pod = ground.list_live(space)[0]
    assert inner.owner is not None
    assert (inner.owner.kind, inner.owner.name, inner.owner.uid, inner.owner.group) == (
        "Deployment", "web", made.uid, "apps"
    )  # fmt: skip
    assert pod.owner is not None
    assert pod.owner.uid == inner.uid


def test_an_absent_workload_reads_as_none(ground: Ground) -> None:
    """404, also for a kind that the server lacks."""
    space = ground.make_space()
    assert ground.gateway.read_workload(named(space)) is None
    assert ground.gateway.read_workload(named(space, "Rollout")) is None


def test_a_kind_that_the_bot_does_not_know_is_refused(ground: Ground) -> None:
    """With what to do."""
    with pytest.raises(GiveUp, match="of a kind that the bot doesn't read"):
        ground.gateway.read_workload(named("default", "CloneSet"))


def test_requests_and_references_of_a_template(ground: Ground) -> None:
    """Room, ConfigMaps and Secrets that a restart would pick up."""
    space = ground.make_space()
    container = {
        "name": "app", "image": IMAGE, "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}},
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}],
    }  # fmt: skip
    pods = template("web", containers=[container], volumes=[{"name": "v", "configMap": {"name": "files"}}])
    ground.create(deployment(space, replicas=0, pods=pods))
    found = ground.settle(named(space))
    assert (found.cpu_millis, found.memory_bytes) == (250, 64 * 2**20)
    assert (found.config_maps, found.secrets) == (("files", "settings"), ("keys",))


def test_a_running_pod_is_read(ground: Ground) -> None:
    """Readiness, image, owner and labels."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=1))
    ground.settle(named(space))
    (pod,) = ground.gateway.list_pods(space)
    assert (pod.namespace, pod.phase, pod.ready, pod.total, pod.images) == (space, "Running", 1, 1, (IMAGE,))
    assert (pod.terminating, pod.problem, pod.proxy_image, pod.restarts) == (False, "", "", 0)
    assert pod.labels["app"] == "web"
    assert pod.node


def test_pods_are_chosen_by_label(ground: Ground) -> None:
    """Equality and sets."""
    space = ground.make_space()
    ground.create(*(bare_pod(space, name) for name in ("one", "two", "three")))
    assert [pod.name for pod in ground.gateway.list_pods(space, "app=two")] == ["two"]
    assert sorted(pod.name for pod in ground.gateway.list_pods(space, "app in (one,two)")) == ["one", "two"]
    assert [pod.name for pod in ground.gateway.list_pods(space, "app notin (one,two)")] == ["three"]


def test_a_selector_with_expressions_is_read_as_a_query(ground: Ground) -> None:
    """What it selects can be listed by it."""
    space = ground.make_space()
    selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "www"]}]}
    ground.create(deployment(space, selector=selector))
    found = ground.settle(named(space))
    assert len(list(ground.gateway.list_pods(space, found.selector_text))) == 2


def test_budgets_are_read_with_what_they_allow(ground: Ground) -> None:
    """Labels, expressions and the current allowance."""
    space = ground.make_space()
    expressed = budget(space, "web", "expressed", maxUnavailable="50%")
    expressed["spec"]["selector"] = {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}
    ground.create(deployment(space), budget(space, "web", minAvailable=1), expressed)
    ground.settle(named(space))
    ground.until(lambda: ground.gateway.list_disruption_budgets(space)[1].disruptions_allowed == 1)
    first, second = sorted(ground.gateway.list_disruption_budgets(space), key=lambda found: found.name)
    assert (first.max_unavailable, first.requirements) == ("50%", (Requirement("tier", "Exists"),))
    assert (second.min_available, second.selector, second.selects_all) == ("1", {"app": "web"}, False)


def test_autoscalers_are_read_with_their_target(ground: Ground) -> None:
    """Limits as autoscaling/v1 gives them."""
    space = ground.make_space()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"minReplicas": 2, "maxReplicas": 5, "scaleTargetRef": target}
    kind = "HorizontalPodAutoscaler"
    ground.create(
        deployment(space),
        {"apiVersion": "autoscaling/v1", "kind": kind, "metadata": {"name": "web", "namespace": space}, "spec": spec},
    )
    (found,) = ground.gateway.list_autoscalers(space)
    assert (found.target, found.minimum, found.maximum) == (named(space), 2, 5)


def test_nodes_tell_their_room(ground: Ground) -> None:
    """Millicores, bytes and pods."""
    nodes = ground.gateway.list_nodes()
    assert all(node.cpu_millis > 0 and node.memory_bytes > 2**20 and node.pods > 1 for node in nodes)
    assert any(node.ready and not node.unschedulable for node in nodes)


def test_namespaces_tell_their_labels(ground: Ground) -> None:
    """They decide about injection."""
    space = ground.make_space(injected=True)
    found = {one.name: one for one in ground.gateway.list_namespaces()}
    assert found[space].labels["istio-injection"] == INJECTED["istio-injection"]
    assert not found[space].terminating


def test_a_config_map_is_read(ground: Ground) -> None:
    """Its texts; None where it is absent."""
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "settings", a="1"))
    assert ground.gateway.read_config_map(space, "settings") == {"a": "1"}
    assert ground.gateway.read_config_map(space, "other") is None


def test_the_events_of_an_object_are_read_in_order(ground: Ground) -> None:
    """The last one says why it stands still."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    ground.until(lambda: ground.gateway.read_events(space, "Deployment", "web"))
    event = ground.gateway.read_events(space, "Deployment", "web")[-1]
    assert (event.kind, event.reason) == ("Normal", "ScalingReplicaSet")


def test_ready_endpoints_are_counted(ground: Ground) -> None:
    """Of the pods that a Service selects."""
    space = ground.make_space()
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": space}, "spec": spec}
    ground.create(service, deployment(space, replicas=2))
    ground.until(lambda: ground.gateway.count_ready_endpoints(space, "web") == 2)
    assert ground.gateway.count_ready_endpoints(space, "other") == 0
    assert ground.gateway.read_ingress_address(space, "web") == ""


def test_a_server_tells_its_version(ground: Ground) -> None:
    """The git version."""
    assert ground.gateway.read_server_version().startswith("v1.")
