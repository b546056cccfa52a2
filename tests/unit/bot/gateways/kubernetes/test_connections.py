from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.clusters import ClusterGateways
from bot.gateways.kubernetes.api_server import TimeLimits
from bot.gateways.kubernetes.connections import KubeconfigConnection, digest_authority
from bot.gateways.kubernetes.gateway import KubernetesGateway
from sandbox.cluster.http.tls import ensure_certificate, write_kubeconfig
from sandbox.google.account import EMAIL
from steps.contract.errors import GiveUp, TryAgain
from steps.mesh import ClusterAddress, ReachedServer, WorkloadRef
from tests.unit.bot.gateways import loopback
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Answerer, Garble, Loopback, Reply, Request, in_order, refusal
from tests.unit.bot.gateways.project import ADDRESS, Google

VERSION = Reply.of({"gitVersion": "v1.16.15-gke.6000"})


class Cluster:
    """An API server that answers as scripted, and the gateway that finds it through GKE."""

    def __init__(self, google: Google, stack: ExitStack, retries: ReadRetries) -> None:
        self.google = google
        self._stack = stack
        gateways = ClusterGateways(google.credentials, google.endpoints, TimeLimits(10, 10), retries)
        stack.callback(gateways.close)
        self.gateway: KubernetesGateway = gateways.kubernetes_for(ADDRESS)

    def serve(self, answer: Answerer, context: ssl.SSLContext | None = None) -> Loopback:
        """Serve over TLS, and let GKE tell the address."""
        server = self._stack.enter_context(Loopback(answer, context or self.google.certificate.server_context()))
        self.google.change_cluster(endpoint=server.address)
        return server


@pytest.fixture
def cluster(google: Google, retries: ReadRetries) -> Iterator[Cluster]:
    """Give cluster-x as GKE knows it."""
    with ExitStack() as stack:
        yield Cluster(google, stack, retries)


def test_gkes_endpoint_and_authority_are_used(cluster: Cluster) -> None:
    """The address and the CA both come from GetCluster."""
    cluster.serve(in_order(VERSION))
    assert cluster.gateway.read_server_version() == "v1.16.15-gke.6000"


def test_every_request_carries_an_access_token(cluster: Cluster) -> None:
    """The refresh hook is called from the first request on."""
    server = cluster.serve(in_order(VERSION))
    cluster.gateway.read_server_version()
    assert server.requests[0].headers["Authorization"] == f"Bearer {cluster.google.credentials.read_token()}"


def test_a_token_near_its_end_is_replaced_between_requests(cluster: Cluster) -> None:
    """A long phase outlives any token."""
    cluster.google.switches.token_lifetime = 200
    server = cluster.serve(in_order(VERSION))
    for _ in range(2):
        cluster.gateway.read_server_version()
    first, second = (request.headers["Authorization"] for request in server.requests)
    assert first != second


def test_unauthorized_renews_the_token_once(cluster: Cluster) -> None:
    """A token that the API server refuses is replaced by another one."""
    server = cluster.serve(in_order(refusal(401, "Unauthorized"), VERSION))
    assert cluster.gateway.read_server_version() == "v1.16.15-gke.6000"
    refused, renewed = (request.headers["Authorization"] for request in server.requests)
    assert refused != renewed


def test_unauthorized_with_a_new_token_gives_up(cluster: Cluster) -> None:
    """An account that the cluster doesn't know is a person's to mend."""
    server = cluster.serve(in_order(refusal(401, "Unauthorized")))
    with pytest.raises(GiveUp, match="answered 401"):
        cluster.gateway.read_server_version()
    assert len(server.requests) == 2


def test_a_moved_endpoint_is_found_again(cluster: Cluster) -> None:
    """IP rotation costs one more GetCluster."""
    old = cluster.serve(in_order(VERSION))
    cluster.gateway.read_server_version()
    old.__exit__()
    cluster.gateway.close()
    cluster.serve(in_order(Reply.of({"gitVersion": "v1.17.0"})))
    assert cluster.gateway.read_server_version() == "v1.17.0"


def test_a_client_that_another_thread_let_go_is_made_anew(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the very moment before the request was sent on it."""
    server = cluster.serve(in_order(VERSION))
    cluster.gateway.read_server_version()
    read, gone = cluster.google.credentials.read_token, list[str]()

    def let_go() -> str:
        if not gone:
            gone.append("once")
            cluster.gateway.close()
        return read()

    monkeypatch.setattr(cluster.google.credentials, "read_token", let_go)
    assert cluster.gateway.read_server_version() == "v1.16.15-gke.6000"
    assert (len(gone), len(server.requests)) == (1, 2)


def test_a_rotated_authority_is_found_again(cluster: Cluster, tmp_path: Path) -> None:
    """A certificate of the new CA is trusted once GKE tells the CA."""
    server = cluster.serve(in_order(VERSION))
    cluster.gateway.read_server_version()
    cluster.gateway.close()
    rotated = ensure_certificate(tmp_path / "rotated")
    cluster.serve(in_order(Reply.of({"gitVersion": "v1.17.0"})), rotated.server_context())
    cluster.google.change_cluster(authority=rotated.ca_base64)
    assert cluster.gateway.read_server_version() == "v1.17.0"
    assert len(server.requests) == 1


def test_a_foreign_certificate_is_never_trusted(cluster: Cluster, tmp_path: Path) -> None:
    """Nothing is sent to a server that another CA vouches for."""
    foreign = ensure_certificate(tmp_path / "foreign")
    server = cluster.serve(in_order(VERSION), foreign.server_context())
    with pytest.raises(TryAgain, match="no trusted certificate"):
        cluster.gateway.read_server_version()
    assert server.requests == []


@pytest.mark.parametrize("begun", [False, True])
def test_a_write_whose_answer_tls_cuts_off_is_sent_once(cluster: Cluster, begun: bool) -> None:
    """It may have been done: only a certificate is looked at before anything is sent."""
    server = cluster.serve(in_order(Garble(begun)))
    with pytest.raises(TryAgain, match="could not be reached") as raised:
        cluster.gateway.restart_workload(WorkloadRef("shop", "Deployment", "web"), "2026-01-01T00:00:00Z")
    assert (type(raised.value), len(server.requests)) == (TryAgain, 1)
    assert "certificate" not in raised.value.why


def test_after_a_tls_error_the_cluster_is_looked_up_anew(cluster: Cluster) -> None:
    """What answers without TLS there is no API server of GKE's any more."""
    plain = cluster.serve(in_order(Garble(begun=False)))
    ref = WorkloadRef("shop", "Deployment", "web")
    with pytest.raises(TryAgain):
        cluster.gateway.restart_workload(ref, "2026-01-01T00:00:00Z")
    moved = cluster.serve(in_order(Reply()))
    cluster.gateway.restart_workload(ref, "2026-01-01T00:00:00Z")
    assert (len(plain.requests), len(moved.requests)) == (1, 1)


def test_the_account_is_the_service_accounts_address(cluster: Cluster) -> None:
    """Before Kubernetes 1.28 the credentials tell the name."""
    cluster.serve(in_order(Reply.of({"groups": []})))
    assert cluster.gateway.read_account() == EMAIL


def test_the_servers_own_word_on_the_account_wins(cluster: Cluster) -> None:
    """SelfSubjectReview tells by which name bindings must call the bot."""

    def answer(request: Request) -> Reply:
        match request.path.rsplit("/", 1)[-1]:
            case "apis":
                return Reply.of({"groups": [{"name": "authentication.k8s.io", "versions": [{"version": "v1"}]}]})
            case "v1":
                return Reply.of({"resources": [{"name": "selfsubjectreviews", "kind": "SelfSubjectReview"}]})
        return Reply.of({"status": {"userInfo": {"username": "1042"}}}, 201)

    cluster.serve(answer)
    assert cluster.gateway.read_account() == "1042"


def test_one_gateway_a_cluster(google: Google) -> None:
    """Connections and discovery are shared by all upgrades of a cluster."""
    gateways = ClusterGateways(google.credentials, google.endpoints)
    assert gateways.kubernetes_for(ADDRESS) is gateways.kubernetes_for(ADDRESS)


def test_a_connection_tells_the_authority_and_gkes_own_id(cluster: Cluster, tmp_path: Path) -> None:
    """As they are when it is made, without a request to the cluster; what GKE rotates is another authority."""
    server = cluster.serve(in_order(VERSION))
    first = cluster.gateway.read_server()
    rotated = ensure_certificate(tmp_path / "rotated")
    cluster.google.change_cluster(authority=rotated.ca_base64)
    assert cluster.gateway.read_server() == first
    second = cluster.gateway.read_server(anew=True)
    assert (first.host, second.host, server.requests) == ("", "", [])
    assert first.gke_id == second.gke_id != ""
    assert first.ca != second.ca
    cluster.gateway.close()
    cluster.google.change_cluster(made=2)
    assert cluster.gateway.read_server().gke_id != first.gke_id


def test_of_a_kubeconfig_server_and_authority_count(tmp_path: Path) -> None:
    """Not the user, nor how the certificate's lines are broken."""
    certificate = ensure_certificate(tmp_path / "tls")

    def describe(server: str, token: str) -> ReachedServer:
        path = tmp_path / f"{token}.json"
        write_kubeconfig(path, server=server, ca_base64=certificate.ca_base64, token=token)
        connection = KubeconfigConnection(ClusterAddress("cluster-x", kubeconfig=str(path)))
        return connection.read_server(connection.open())

    ours = describe("https://10.0.0.1", "one")
    assert ours == describe("https://10.0.0.1", "another")
    assert (ours.host, ours.gke_id, len(ours.ca)) == ("https://10.0.0.1", "", 64)
    assert describe("https://10.0.0.2", "third") != ours


def test_an_authority_is_told_by_its_bytes() -> None:
    """Not by its lines."""
    assert digest_authority("-----BEGIN\nQ0E=\n") == digest_authority("-----BEGIN\r\nQ0\r\nE=")
    assert digest_authority(" \n") == ""


@pytest.mark.parametrize(
    "acting",
    [{"as": "somebody"}, {"as-groups": ["system:masters"]}, {"as-uid": "1"}, {"as-user-extra": {"why": ["because"]}}],
    ids=lambda acting: next(iter(acting)),
)
def test_a_kubeconfig_that_acts_for_somebody_else_is_refused(
    serve: Serve, tmp_path: Path, acting: dict[str, object]
) -> None:
    """The client would act as the account itself, and kubectl for the other one; nothing is sent before."""
    server = serve(in_order(VERSION))
    path = loopback.write_kubeconfig(tmp_path, server.url)
    config = json.loads(path.read_text())
    config["users"][0]["user"] |= acting
    path.write_text(json.dumps(config))
    with pytest.raises(GiveUp, match="acts for somebody else") as told:
        KubeconfigConnection(ClusterAddress("cluster-x", kubeconfig=str(path))).open()
    assert next(iter(acting)) in told.value.why
    assert server.requests == []


def test_only_the_chosen_context_counts(serve: Serve, tmp_path: Path) -> None:
    """Others of the same file may act for whom they like."""
    path = loopback.write_kubeconfig(tmp_path, serve(in_order(VERSION)).url)
    config = json.loads(path.read_text())
    config["users"].append({"name": "other", "user": {"as": "somebody"}})
    config["contexts"].append({"name": "other", "context": {"cluster": "test", "user": "other"}})
    path.write_text(json.dumps(config))
    KubeconfigConnection(ClusterAddress("cluster-x", kubeconfig=str(path))).open()
    with pytest.raises(GiveUp, match="acts for somebody else"):
        KubeconfigConnection(ClusterAddress("cluster-x", kubeconfig=str(path), context="other")).open()
