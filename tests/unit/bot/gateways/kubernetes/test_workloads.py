from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.gateways.kubernetes.wire import Controller
from bot.gateways.kubernetes.wire_nodes import count_bytes, count_millicores
from bot.gateways.kubernetes.workloads import reduce_workload
from steps.mesh import Owner, Placement, Requirement, Taint, Workload


def workload_of(
    kind: str, spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **meta: Any
) -> Workload:
    """Decode a controller as the API server writes it."""
    described = {
        "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "7", "generation": 2, **meta},
        "spec": spec or {},
        "status": status or {},
    }
    return reduce_workload(kind, msgspec.json.decode(msgspec.json.encode(described), type=Controller))


def counts_of(found: Workload) -> tuple[int, int, int, int, int]:
    """Replicas wanted, current, updated, ready, available."""
    return found.replicas, found.current, found.updated, found.ready, found.available


def template(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Describe a pod template."""
    return {"metadata": {"creationTimestamp": None}, "spec": {"containers": list(containers), **spec}}


def test_a_deployments_counts() -> None:
    """They are those of its status, the wanted ones of its spec."""
    status = {"replicas": 5, "updatedReplicas": 4, "readyReplicas": 3, "availableReplicas": 2, "observedGeneration": 2}
    found = workload_of("Deployment", {"replicas": 6}, status)
    assert counts_of(found) == (6, 5, 4, 3, 2)
    assert found.observed_generation == 2


@pytest.mark.parametrize(("spec", "wanted"), [({}, 1), ({"replicas": None}, 1), ({"replicas": 0}, 0)])
def test_absent_replicas_mean_one(spec: dict[str, Any], wanted: int) -> None:
    """The API's default; 0 is 0."""
    assert workload_of("Deployment", spec).replicas == wanted


def test_a_daemonsets_counts() -> None:
    """They have names of their own."""
    status = {
        "desiredNumberScheduled": 5,
        "currentNumberScheduled": 4,
        "updatedNumberScheduled": 3,
        "numberReady": 2,
        "numberAvailable": 1,
    }
    assert counts_of(workload_of("DaemonSet", {}, status)) == (5, 4, 3, 2, 1)


def test_a_jobs_counts() -> None:
    """Wanted is its parallelism, current its active pods."""
    assert counts_of(workload_of("Job", {"parallelism": 3}, {"active": 2})) == (3, 2, 0, 0, 0)


def test_a_statefulsets_update() -> None:
    """Partition and revisions decide who gets the new sidecar."""
    spec = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
    found = workload_of("StatefulSet", spec, {"currentRevision": "web-1", "updateRevision": "web-2"})
    assert (found.strategy, found.partition) == ("RollingUpdate", 2)
    assert (found.current_revision, found.update_revision) == ("web-1", "web-2")


@pytest.mark.parametrize(
    ("kind", "spec", "strategy"),
    [
        ("Deployment", {"strategy": {"type": "Recreate"}}, "Recreate"),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
        ("Deployment", {}, "RollingUpdate"),
        ("Rollout", {"strategy": {"canary": {"maxSurge": "25%"}}}, "Canary"),
        ("Rollout", {"strategy": {"blueGreen": {"activeService": "web"}}}, "BlueGreen"),
    ],
)
def test_strategies_are_named(kind: str, spec: dict[str, Any], strategy: str) -> None:
    """Each kind writes its strategy elsewhere."""
    assert workload_of(kind, spec).strategy == strategy


def test_limits_of_a_rolling_update_are_kept_as_written() -> None:
    """A share and a number both are texts."""
    rolling = {"maxUnavailable": "25%", "maxSurge": 1}
    found = workload_of("Deployment", {"strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}})
    assert (found.max_unavailable, found.max_surge) == ("25%", "1")


def test_a_stalled_rollout_is_marked() -> None:
    """ProgressDeadlineExceeded is the API's word for it."""
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    assert workload_of("Deployment", {}, {"conditions": [condition]}).stalled


def test_pods_that_cannot_be_created_are_told() -> None:
    """An injector that is down shows here and nowhere else."""
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "failed calling webhook",
    }
    assert workload_of("ReplicaSet", {}, {"conditions": [condition]}).failure == "FailedCreate: failed calling webhook"


def test_argos_generation_may_be_a_text() -> None:
    """Argo Rollouts write observedGeneration as a string."""
    assert workload_of("Rollout", {}, {"observedGeneration": "12"}).observed_generation == 12


def test_a_rollouts_restart_is_in_its_spec() -> None:
    """Other kinds keep it in an annotation of the template."""
    assert workload_of("Rollout", {"restartAt": "2026-01-01T00:00:00Z"}).restarted_at == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("selector", [{"matchLabels": {"app": "web"}}, {"app": "web"}])
def test_selectors_of_both_forms_are_read(selector: dict[str, Any]) -> None:
    """A ReplicationController's selector is a plain map."""
    assert workload_of("ReplicationController", {"selector": selector}).selector == {"app": "web"}


def test_the_owner_leads_to_the_deployment() -> None:
    """A ReplicaSet belongs to one by reference, not by name."""
    reference = {"kind": "Deployment", "name": "web", "uid": "d1", "apiVersion": "apps/v1", "controller": True}
    assert workload_of("ReplicaSet", ownerReferences=[reference]).owner == Owner("Deployment", "web", "d1", "apps")


def test_requests_are_those_of_one_pod() -> None:
    """Containers together, or the largest init container where that is more."""
    asks = [{"cpu": "250m", "memory": "1Gi"}, {"cpu": 1, "memory": "512Mi"}]
    containers = [{"name": str(n), "resources": {"requests": ask}} for n, ask in enumerate(asks)]
    init = [{"name": "init", "resources": {"requests": {"cpu": "2"}}}]
    found = workload_of("Deployment", {"template": template(*containers, initContainers=init)})
    assert (found.cpu_millis, found.memory_bytes) == (2000, 1536 * 2**20)


@pytest.mark.parametrize(
    ("containers", "probed"),
    [
        ([{"name": "app", "readinessProbe": {"httpGet": {"path": "/", "port": 80}}}, {"name": "istio-proxy"}], True),
        ([{"name": "app"}], False),
        ([{"name": "app", "readinessProbe": None}], False),
    ],
)
def test_readiness_probes_are_noticed(containers: list[dict[str, Any]], probed: bool) -> None:
    """A workload without one is ready before it serves; the sidecar's own does not count."""
    assert workload_of("Deployment", {"template": template(*containers)}).probed is probed


def test_configuration_that_pods_read_is_found() -> None:
    """Volumes, projected volumes, envFrom and single variables."""
    spec = {
        "template": template(
            {
                "name": "app",
                "envFrom": [{"configMapRef": {"name": "c1"}}, {"secretRef": {"name": "s1"}}],
                "env": [
                    {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c2", "key": "k"}}},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s2", "key": "k"}}},
                    {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "D", "value": "text"},
                ],
            },
            volumes=[
                {"name": "a", "configMap": {"name": "c3"}},
                {"name": "b", "secret": {"secretName": "s3"}},
                {"name": "c", "projected": {"sources": [{"configMap": {"name": "c4"}}, {"secret": {"name": "s4"}}]}},
                {"name": "d", "emptyDir": {}},
            ],
        )
    }
    found = workload_of("Deployment", spec)
    assert found.config_maps == ("c1", "c2", "c3", "c4")
    assert found.secrets == ("s1", "s2", "s3", "s4")


@pytest.mark.parametrize(
    ("text", "millicores"), [("2", 2000), ("250m", 250), ("0.5", 500), ("1500u", 2), ("1e1", 10000), ("", 0), ("x", 0)]
)
def test_cpu_quantities(text: str, millicores: int) -> None:
    """All of Kubernetes' spellings, rounded up."""
    assert count_millicores(text) == millicores


@pytest.mark.parametrize(
    ("text", "count"), [("1Gi", 2**30), ("1G", 10**9), ("100", 100), ("1.5Mi", 1572864), ("128974848000m", 128974848)]
)
def test_memory_quantities(text: str, count: int) -> None:
    """Binary and decimal suffixes, and the odd millibyte."""
    assert count_bytes(text) == count


def test_a_failure_that_is_over_is_none() -> None:
    """The condition stays with status False."""
    condition = {"type": "ReplicaFailure", "status": "False", "reason": "FailedCreate", "message": "quota"}
    assert workload_of("ReplicaSet", {}, {"conditions": [condition]}).failure == ""


def anti_affinity(selector: dict[str, Any], key: str = "kubernetes.io/hostname") -> dict[str, Any]:
    """A required term."""
    term = {"labelSelector": selector, "topologyKey": key}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


@pytest.mark.parametrize(
    ("selector", "apart"),
    [
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "cart"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_pods_that_keep_from_their_own_kind_are_known(selector: dict[str, Any], apart: bool) -> None:
    """A term about other pods leaves a rollout its nodes."""
    made = template({"name": "app", "image": "app:1"}, affinity=anti_affinity(selector))
    made["metadata"]["labels"] = {"app": "web"}
    assert bool(workload_of("Deployment", {"template": made}).placement.apart) is apart


def test_what_a_template_asks_of_nodes_is_kept() -> None:
    """Host ports, spread that has to be kept, node labels and disks."""
    spread = [
        {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1},
        {"topologyKey": "rack", "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 1},
    ]
    container = {"name": "app", "image": "app:1", "ports": [{"containerPort": 80}, {"containerPort": 1, "hostPort": 1}]}
    volumes = [{"name": "disk", "persistentVolumeClaim": {"claimName": "files"}}, {"name": "tmp", "emptyDir": {}}]
    made = template(container, topologySpreadConstraints=spread, nodeSelector={"pool": "big"}, volumes=volumes)
    found = workload_of("Deployment", {"template": made}).placement
    assert found == Placement(spread=("zone",), host_ports=(1,), claims=("files",), node_labels={"pool": "big"})


def test_which_nodes_a_template_asks_for_and_which_taints_it_bears_is_kept() -> None:
    """Terms of which one is enough, each with all its expressions; a toleration may stand for any value or effect."""
    rows = [
        {"key": "pool", "operator": "In", "values": ["a", "b"]},
        {"key": "cores", "operator": "Gt", "values": ["4"]},
    ]
    terms: list[dict[str, Any]] = [
        {"matchExpressions": rows},
        {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]},
    ]
    tolerations = [
        {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "team", "value": "shop"},
        {"operator": "Exists"},
    ]
    made = template({"name": "app", "image": "app:1"}, affinity=node_affinity(terms), tolerations=tolerations)
    found = workload_of("Deployment", {"template": made}).placement
    pool = (Requirement("pool", "In", ("a", "b")), Requirement("cores", "Gt", ("4",)))
    assert found.node_terms == (pool, (Requirement("gpu", "Exists"),))
    assert found.bears == (Taint("gpu", "NoSchedule", None), Taint("team", "", "shop"), Taint("", "", None))


def test_a_template_that_names_its_node_is_not_judged_by_labels() -> None:
    """As a DaemonSet's pods do."""
    terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]
    made = template({"name": "app", "image": "app:1"}, affinity=node_affinity(terms))
    assert workload_of("Deployment", {"template": made}).placement == Placement()


def node_affinity(terms: list[dict[str, Any]]) -> dict[str, Any]:
    """Required terms."""
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


@pytest.mark.parametrize(("written", "ordered"), [("", True), ("OrderedReady", True), ("Parallel", False)])
def test_a_stateful_set_is_ordered_unless_it_says_otherwise(written: str, ordered: bool) -> None:
    """The API's default."""
    spec = {"podManagementPolicy": written} if written else {}
    assert workload_of("StatefulSet", spec).ordered is ordered
    assert workload_of("Deployment").ordered is False


def test_a_replica_set_that_can_not_be_made_is_a_failure() -> None:
    """There is no pod and no ReplicaSet to say so."""
    row = {"type": "Progressing", "status": "False", "reason": "ReplicaSetCreateError", "message": "denied"}
    assert workload_of("Deployment", status={"conditions": [row]}).failure == "ReplicaSetCreateError: denied"
