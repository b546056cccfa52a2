"""The gateways against the sandbox's cluster, found through the sandbox's GKE with a service account's key."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.clusters import ClusterGateways
from bot.gateways.kubernetes.api_server import TimeLimits
from bot.gateways.kubernetes.gateway import KubernetesGateway
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import write_kubeconfig
from sandbox.cluster.server.faults import RequestFault
from sandbox.google.account import EMAIL
from sandbox.web.sites import serve_in_thread
from steps.contract.errors import GiveUp, TryAgain
from steps.mesh import Binding, ClusterAddress, Evicted, EvictionRefused, PodGone, Right, WorkloadRef
from tests.unit.bot.gateways.loopback import HandClock
from tests.unit.bot.gateways.project import ADDRESS, Google

ADMIN = Binding("cluster-admin-binding", "cluster-admin", (EMAIL,))
WEB = WorkloadRef("shop", "Deployment", "web")
OLD = "1.4.7-asm.0"
START = 1_700_000_000.0


class Simulation:
    """cluster-x, its clock, and the gateways of the bot's account and of an administrator."""

    def __init__(self, google: Google, stack: ExitStack, retries: ReadRetries, seeded: dict[str, Any]) -> None:
        self.clock = HandClock()
        self.clock.now = START
        self.cluster = SimulatedCluster(self.clock, seed_fn=None)
        self.cluster.restore(seeded)
        site = serve_in_thread(self.cluster.app(background=False), google.certificate.server_context())
        stack.callback(site.stop)
        google.change_cluster(endpoint=f"127.0.0.1:{site.port}")
        gateways = ClusterGateways(google.credentials, google.endpoints, TimeLimits(10, 10), retries)
        stack.callback(gateways.close)
        self.gke = gateways.gke
        self.bot: KubernetesGateway = gateways.kubernetes_for(ADDRESS)
        path = google.key_file.with_name("admin.json")
        write_kubeconfig(path, server=site.url, ca_base64=google.certificate.ca_base64, token=self.cluster.tokens.admin)
        self.by_kubeconfig = ClusterAddress("by-kubeconfig", kubeconfig=str(path))
        self.admin: KubernetesGateway = gateways.kubernetes_for(self.by_kubeconfig)

    def strike(self, **fields: object) -> None:
        """Let requests go wrong."""
        self.cluster.faults.requests.append(RequestFault(**fields))  # type: ignore[arg-type]

    def advance(self, seconds: float) -> None:
        """Let the cluster's time pass, one second a tick."""
        for _ in range(int(seconds)):
            self.clock.now += 1
            self.cluster.tick()


@pytest.fixture(scope="module")
def seeded() -> bytes:
    """Seed the cluster once for all tests; pickled, as each takes a copy of its own."""
    return pickle.dumps(SimulatedCluster(lambda: START).snapshot())


@pytest.fixture
def simulation(google: Google, retries: ReadRetries, seeded: bytes) -> Iterator[Simulation]:
    """Give cluster-x with its mesh."""
    with ExitStack() as stack:
        yield Simulation(google, stack, retries, pickle.loads(seeded))


def test_a_viewer_reads_the_inventory(simulation: Simulation) -> None:
    """Prepare needs no more than viewer rights."""
    pods = list(simulation.bot.list_pods())
    images = Counter(pod.proxy_image.rpartition(":")[2] for pod in pods if pod.proxy_image)
    assert len(pods) > 60
    assert set(images) == {OLD}
    assert {"istio-system", "shop", "data", "batch", "legacy"} <= {n.name for n in simulation.bot.list_namespaces()}
    kinds = {workload.ref.kind for workload in simulation.bot.list_workloads()}
    assert {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"} <= kinds
    assert all(node.ready and node.cpu_millis > 0 for node in simulation.bot.list_nodes())


def test_every_sidecar_has_an_owner_that_is_listed(simulation: Simulation) -> None:
    """Owners are walked by reference, so each reference leads to a workload."""
    uids = {workload.uid for workload in simulation.bot.list_workloads()}
    owners = {pod.owner.uid for pod in simulation.bot.list_pods() if pod.owner}
    assert owners <= uids


def test_the_control_plane_is_read(simulation: Simulation) -> None:
    """Webhook, endpoints, configuration and ingress as the rollout waits for them."""
    webhook = simulation.bot.read_webhook("istio-sidecar-injector")
    assert webhook is not None
    assert webhook.has_ca_bundle
    assert simulation.bot.count_ready_endpoints("istio-system", "istio-sidecar-injector") >= 1
    assert simulation.bot.read_ingress_address("istio-system", "istio-ingressgateway")
    config = simulation.bot.read_config_map("istio-system", "istio-sidecar-injector")
    assert config is not None
    assert OLD in config["values"]


def test_policies_of_absent_and_present_kinds(simulation: Simulation) -> None:
    """A custom resource is found by discovery."""
    found = simulation.bot.list_objects("security.istio.io/v1beta1", "AuthorizationPolicy")
    assert found
    assert all(policy["kind"] == "AuthorizationPolicy" for policy in found)
    assert simulation.bot.list_objects("example.com/v1", "Thing") == ()


def test_rights_come_with_the_binding(simulation: Simulation) -> None:
    """The guide's binding turns the viewer into an administrator, and its deletion back."""
    rights = [
        Right("list", "pods"),
        Right("create", "clusterroles", "rbac.authorization.k8s.io"),
        Right("create", "pods", subresource="exec"),
    ]
    assert simulation.bot.find_missing_rights(rights) == tuple(rights[1:])
    simulation.admin.create_binding(ADMIN)
    assert simulation.bot.find_missing_rights(rights) == ()
    simulation.admin.delete_binding(ADMIN.name)
    assert simulation.bot.find_missing_rights(rights) == tuple(rights[1:])


def test_a_write_without_the_right_names_account_and_command(simulation: Simulation) -> None:
    """The remedy says exactly what is missing."""
    with pytest.raises(GiveUp, match="answered 403") as raised:
        simulation.bot.delete_namespace("shop")
    assert f'gives {EMAIL} a role with the rule apiGroups [""], resources [namespaces]' in raised.value.remedy


def test_a_restart_rolls_the_workload_once(simulation: Simulation) -> None:
    """The same stamp again changes nothing."""
    before = simulation.admin.read_workload(WEB)
    assert before is not None
    for _ in range(2):
        simulation.admin.restart_workload(WEB, "2026-01-01T00:00:00Z")
    after = simulation.admin.read_workload(WEB)
    assert after is not None
    assert after.generation == before.generation + 1
    simulation.advance(120)
    rolled = simulation.admin.read_workload(WEB)
    assert rolled is not None
    assert rolled.updated == rolled.available == rolled.replicas == rolled.current


def test_a_stale_restart_is_refused(simulation: Simulation) -> None:
    """Compare and swap against somebody else's edit."""
    stale = simulation.admin.read_workload(WEB)
    assert stale is not None
    simulation.admin.restart_workload(WEB, "2026-01-01T00:00:00Z")
    with pytest.raises(TryAgain, match="409"):
        simulation.admin.restart_workload(WEB, "2026-01-01T00:00:01Z", stale.resource_version)


def test_evictions_obey_budgets(simulation: Simulation) -> None:
    """The budget of the shop lets some go and then refuses."""
    (budget, *_) = simulation.admin.list_disruption_budgets("shop")
    selector = ",".join(f"{key}={text}" for key, text in budget.selector.items())
    pods = list(simulation.admin.list_pods("shop", selector))
    answers = [simulation.admin.evict_pod(pod.namespace, pod.name, pod.uid) for pod in pods]
    assert sum(isinstance(answer, Evicted) for answer in answers) == budget.disruptions_allowed
    assert sum(isinstance(answer, EvictionRefused) for answer in answers) == len(pods) - budget.disruptions_allowed


def test_an_eviction_never_hits_a_successor(simulation: Simulation) -> None:
    """Another uid under the name is another pod."""
    pod = next(simulation.admin.list_pods("data"))
    assert simulation.admin.evict_pod(pod.namespace, pod.name, "another-uid") == PodGone()


def test_an_applied_object_is_read_back(simulation: Simulation) -> None:
    """Server-side apply keeps what others own."""
    (policy, *_) = simulation.admin.list_objects("security.istio.io/v1beta1", "AuthorizationPolicy")
    name, namespace = policy["metadata"]["name"], policy["metadata"]["namespace"]
    labelled = {**policy, "metadata": {"name": name, "namespace": namespace, "labels": {"seen": "yes"}}}
    simulation.admin.apply_object(labelled)
    found = simulation.admin.read_object("security.istio.io/v1beta1", "AuthorizationPolicy", namespace, name)
    assert found is not None
    assert found["metadata"]["labels"]["seen"] == "yes"
    assert found["spec"] == policy["spec"]


def test_reads_survive_one_failure_in_twenty(simulation: Simulation) -> None:
    """Random errors, resets included, are not seen by a step."""
    simulation.strike(kind="status", status=503, percent=3.0)
    simulation.strike(kind="reset", percent=2.0)
    for _ in range(40):
        assert len(list(simulation.bot.list_pods("shop"))) > 10


def test_an_expired_token_in_the_middle_is_replaced(simulation: Simulation, google: Google) -> None:
    """The API server refuses the old token from one request to the next."""
    list(simulation.bot.list_pods("shop"))
    simulation.cluster.faults.expired_tokens.add(google.credentials.read_token())
    assert list(simulation.bot.list_pods("shop"))


def test_gone_continue_tokens_restart_the_list(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """History is compacted while a list is read."""
    monkeypatch.setattr("bot.gateways.kubernetes.pages.PAGE_SIZE", 10)
    whole = {pod.uid for pod in simulation.bot.list_pods()}
    pods = simulation.bot.list_pods()
    seen = [next(pods).uid]
    simulation.cluster.expire_watches()
    seen += [pod.uid for pod in pods]
    assert len(seen) == len(set(seen))
    assert set(seen) == whole


def test_a_cluster_by_kubeconfig_tells_the_guides_variables(simulation: Simulation) -> None:
    """The installed mesh knows project, number, name and location."""
    identity = simulation.gke.describe_cluster(simulation.by_kubeconfig)
    assert (identity.project_id, identity.project_number) == ("example-project", "123456789012")
    assert (identity.name, identity.location, identity.endpoint) == ("cluster-x", "us-central1-a", "kubeconfig")
    assert identity.mesh_id == "proj-123456789012"
    assert simulation.gke.list_operations(simulation.by_kubeconfig) == ()
