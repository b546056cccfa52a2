from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes.client import ApiClient, Configuration
from urllib3 import HTTPSConnectionPool, PoolManager, ProxyManager

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.kubernetes import api_server
from bot.gateways.kubernetes.api_server import ApiServer, TimeLimits, find_carrier, find_target
from bot.gateways.kubernetes.connections import KubeconfigConnection
from steps.contract.errors import GiveUp, NotGranted, StepError, TryAgain
from steps.mesh import Binding, ClusterAddress, WorkloadRef
from tests.unit.bot.gateways.conftest import AMPLE, SHORT, ConnectTo
from tests.unit.bot.gateways.loopback import (
    HandClock,
    Reply,
    Request,
    Reset,
    Silence,
    in_order,
    refusal,
    write_kubeconfig,
)

VERSION = Reply.of({"gitVersion": "v1.16.15-gke.6000"})
WEB = WorkloadRef("shop", "Deployment", "web")


def test_a_reset_read_is_repeated(connect: ConnectTo) -> None:
    """A connection that breaks once is not worth a turn."""
    gateway, server = connect(in_order(Reset(), VERSION))
    assert gateway.read_server_version() == "v1.16.15-gke.6000"
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_server_error_is_not_seen(connect: ConnectTo, status: int) -> None:
    """Reads survive one bad answer."""
    gateway, _ = connect(in_order(refusal(status, "in trouble"), VERSION))
    assert gateway.read_server_version() == "v1.16.15-gke.6000"


def test_throttling_for_long_is_left_to_the_runner(connect: ConnectTo) -> None:
    """A Retry-After of more than two seconds becomes the step's pause."""
    gateway, server = connect(in_order(refusal(429, "slow down", Retry_After="20")))
    with pytest.raises(TryAgain) as raised:
        gateway.read_server_version()
    assert raised.value.retry_in == 20.0
    assert len(server.requests) == 1


def test_throttling_without_a_pause_leaves_it_to_the_runner(connect: ConnectTo) -> None:
    """429 without Retry-After is tried again for a while, then handed on without a pause."""
    gateway, _ = connect(in_order(refusal(429, "slow down")))
    with pytest.raises(TryAgain, match="throttling") as raised:
        gateway.read_server_version()
    assert raised.value.retry_in is None


def test_a_write_is_sent_once(connect: ConnectTo) -> None:
    """Whether a write that broke has happened is for the next turn to see."""
    gateway, server = connect(in_order(Reset()))
    with pytest.raises(TryAgain):
        gateway.restart_workload(WEB, "2026-01-01T00:00:00Z")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "nothing"),
    [
        *((refusal(status, "no"), True) for status in (400, 401, 403, 404, 409, 410, 422, 423, 429)),
        *((refusal(status, "in trouble"), False) for status in (408, 500, 502, 503, 504)),
        (Reset(), False),
        (Silence(), False),
    ],
    ids=str,
)
def test_a_refused_write_has_certainly_changed_nothing(
    connect: ConnectTo, answer: Reply | Reset | Silence, nothing: bool
) -> None:
    """One without an answer, or carried out by a server that then fell, may have."""
    gateway, _ = connect(in_order(answer), SHORT if isinstance(answer, Silence) else AMPLE)
    with pytest.raises(StepError) as raised:
        gateway.restart_workload(WEB, "2026-01-01T00:00:00Z")
    assert raised.value.changed_nothing == nothing


def test_a_write_that_was_never_sent_has_certainly_changed_nothing(tmp_path: Path) -> None:
    """Nobody listens there; or no client could be made at all."""
    kubeconfig = tmp_path / "kubeconfig"
    for made in (False, True):
        if made:
            write_kubeconfig(tmp_path, "http://127.0.0.1:1", "token")
        server = ApiServer(KubeconfigConnection(ClusterAddress("x", kubeconfig=str(kubeconfig))))
        with pytest.raises(StepError) as raised:
            server.send("write", "POST", "/x")
        assert raised.value.changed_nothing


def test_a_silent_server_is_given_up_in_time(connect: ConnectTo) -> None:
    """A half-open connection ends with the time limit."""
    gateway, _ = connect(in_order(Silence()), SHORT)
    with pytest.raises(TryAgain, match="gave no answer"):
        gateway.restart_workload(WEB, "2026-01-01T00:00:00Z")


def test_an_answer_cut_short_is_tried_again(connect: ConnectTo) -> None:
    """A body that ends early is not taken for the whole."""
    gateway, _ = connect(in_order(Reply(body=VERSION.body, cut=5), VERSION))
    assert gateway.read_server_version() == "v1.16.15-gke.6000"


def test_a_proxys_page_is_no_answer(connect: ConnectTo) -> None:
    """HTML with status 200 is not decoded into something."""
    gateway, _ = connect(in_order(Reply(body=b"<html>Welcome</html>")))
    with pytest.raises(TryAgain, match="with a page for people"):
        gateway.read_server_version()


def test_unauthorized_reads_the_kubeconfig_again(connect: ConnectTo, tmp_path: Path) -> None:
    """A token that was renewed in the file is picked up by the 401."""

    def answer(request: Request) -> Reply:
        if request.headers["Authorization"] == "Bearer new-token":
            return VERSION
        write_kubeconfig(tmp_path, server.url, "new-token")
        return refusal(401, "Unauthorized")

    gateway, server = connect(answer)
    assert gateway.read_server_version() == "v1.16.15-gke.6000"
    assert len(server.requests) == 2


def test_unauthorized_twice_gives_up(connect: ConnectTo) -> None:
    """One renewal is enough to know."""
    gateway, server = connect(in_order(refusal(401, "Unauthorized")))
    with pytest.raises(GiveUp) as raised:
        gateway.read_server_version()
    assert "Renew the credentials" in raised.value.remedy
    assert len(server.requests) == 2


def test_forbidden_names_the_command_that_grants_it(connect: ConnectTo) -> None:
    """The remedy of a 403 can be pasted."""
    gateway, _ = connect(
        in_order(refusal(403, 'namespaces is forbidden: User "bot@x" cannot list resource "namespaces"'))
    )
    with pytest.raises(GiveUp, match="cannot list resource") as raised:
        gateway.list_namespaces()
    assert "--clusterrole=cluster-admin --user=bot@x" in raised.value.remedy


@pytest.mark.parametrize(
    ("denied", "rule"),
    [
        ('"services" in API group "" in the namespace "shop"', 'apiGroups [""], resources [services], verbs [list]'),
        (
            '"rules" in API group "config.istio.io" at the cluster scope',
            "apiGroups [config.istio.io], resources [rules]",
        ),
    ],
)
def test_forbidden_names_the_exact_rule_that_is_missing(connect: ConnectTo, denied: str, rule: str) -> None:
    """As the API server says it; the manifests have it."""
    gateway, _ = connect(in_order(refusal(403, f'it is forbidden: User "bot@x" cannot list resource {denied}')))
    with pytest.raises(GiveUp) as raised:
        gateway.list_namespaces()
    assert f"gives bot@x a role with the rule {rule}" in raised.value.remedy
    assert "manifests/target-cluster" in raised.value.remedy


DENIED = 'pods is forbidden: User "bot@x" cannot list resource "pods" in API group "" at the cluster scope'
IAM_DENIED = 'requires one of ["container.pods.list"] permission(s).'


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (403, f"{DENIED}: {IAM_DENIED}", NotGranted),
        (403, DENIED, GiveUp),
        (403, f'admission webhook "a.b" denied the request: {IAM_DENIED}', GiveUp),
        (403, "<html>You don't have permission to access this server.</html>", GiveUp),
        (400, IAM_DENIED, GiveUp),
    ],
)
def test_a_right_that_iam_may_bring_is_told_apart(
    connect: ConnectTo, status: int, said: str, kind: type[GiveUp]
) -> None:
    """GKE's API server names IAM's permission; a role that was just granted counts there minutes later."""
    gateway, _ = connect(in_order(refusal(status, said)))
    with pytest.raises(GiveUp) as raised:
        gateway.list_namespaces()
    assert type(raised.value) is kind


def test_conflict_is_tried_again(connect: ConnectTo) -> None:
    """Somebody else was faster: look again."""
    gateway, _ = connect(in_order(refusal(409, "the object has been modified")))
    with pytest.raises(TryAgain, match="has been modified"):
        gateway.restart_workload(WEB, "2026-01-01T00:00:00Z", "17")


def test_a_closed_port_is_looked_up_anew(tmp_path: Path, hand_clock: HandClock) -> None:
    """A connection that can't be made asks where the cluster is now."""
    path = write_kubeconfig(tmp_path, "http://127.0.0.1:9")
    connection = Counting(ClusterAddress("cluster-x", kubeconfig=str(path)))
    server = ApiServer(connection, TimeLimits(10, 10), ReadRetries(0, hand_clock, hand_clock.sleep))
    with pytest.raises(TryAgain, match="could not be reached"):
        server.read("read the version", "/version")
    assert connection.opened == 2


@pytest.mark.parametrize(
    ("host", "proxy", "sender", "target"),
    [
        ("https://10.0.0.2", None, HTTPSConnectionPool, "/version"),
        ("https://rancher.example.com/k8s/clusters/c-1/", None, HTTPSConnectionPool, "/k8s/clusters/c-1/version"),
        ("https://10.0.0.2", "http://proxy.example.com:3128", HTTPSConnectionPool, "/version"),
        ("http://127.0.0.1:8001", "http://proxy.example.com:3128", ProxyManager, "http://127.0.0.1:8001/version"),
        ("http://127.0.0.1:8001", None, PoolManager, "http://127.0.0.1:8001/version"),
    ],
)
def test_requests_go_where_the_client_would_send_them(
    host: str, proxy: str | None, sender: type[object], target: str
) -> None:
    """Below the address's own path; a proxy without TLS gets the whole address."""
    configuration = Configuration(host=host)
    configuration.proxy = proxy
    carrier = find_carrier(ApiClient(configuration))
    assert type(carrier.sender) is sender
    assert find_target(carrier, api_server.Request("GET", "/version", {}, None, "", "")) == target


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    """A wrong path in clusters.toml is one clear sentence."""
    server = ApiServer(KubeconfigConnection(ClusterAddress("cluster-x", kubeconfig=str(tmp_path / "none"))))
    with pytest.raises(GiveUp, match="cluster-x can't be used"):
        server.read("read the version", "/version")


def test_an_unknown_context_is_named(tmp_path: Path) -> None:
    """A wrong context in clusters.toml is one clear sentence."""
    path = write_kubeconfig(tmp_path, "http://127.0.0.1:9")
    server = ApiServer(KubeconfigConnection(ClusterAddress("cluster-x", kubeconfig=str(path), context="other")))
    with pytest.raises(GiveUp, match="other"):
        server.read("read the version", "/version")


def test_every_request_carries_the_token(connect: ConnectTo) -> None:
    """The client sends no anonymous request."""
    gateway, server = connect(in_order(VERSION))
    gateway.read_server_version()
    assert server.requests[0].headers["Authorization"] == "Bearer some-token"


def test_server_side_apply_names_the_field_manager(connect: ConnectTo) -> None:
    """The bot's fields can be told from everybody else's."""
    resources = Reply.of({"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]})
    gateway, server = connect(in_order(resources, Reply()))
    gateway.apply_object({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}})
    applied = server.requests[1]
    assert applied.path == "/api/v1/namespaces/shop/configmaps/a"
    assert applied.query == {"fieldManager": "asm-upgrade-bot", "force": "true"}
    assert applied.headers["Content-Type"] == "application/apply-patch+yaml"


def test_an_existing_binding_of_ours_is_fine(connect: ConnectTo) -> None:
    """Creating the binding again after a crash changes nothing."""
    binding = Binding("cluster-admin-binding", "cluster-admin", ("bot",))
    there = Reply.of({"roleRef": {"name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "bot"}]})
    gateway, server = connect(in_order(refusal(409, "already exists"), there))
    gateway.create_binding(binding)
    assert [request.method for request in server.requests] == ["POST", "GET"]


def test_a_foreign_binding_is_never_edited(connect: ConnectTo) -> None:
    """Another content under the name is a person's decision."""
    there = Reply.of({"roleRef": {"name": "view"}, "subjects": [{"kind": "User", "name": "eve"}]})
    gateway, server = connect(in_order(refusal(409, "already exists"), there))
    with pytest.raises(GiveUp, match="with other content"):
        gateway.create_binding(Binding("cluster-admin-binding", "cluster-admin", ("bot",)))
    assert {request.method for request in server.requests} == {"POST", "GET"}


class Counting(KubeconfigConnection):
    """Counts how often a client was made."""

    def __init__(self, address: ClusterAddress) -> None:
        super().__init__(address)
        self.opened = 0

    def open(self):  # type: ignore[no-untyped-def]
        self.opened += 1
        return super().open()


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ('admission webhook "validate.kyverno.svc-fail" denied the request: label team is required', "exempt"),
        ('pods "x" is forbidden: exceeded quota: compute, requested: cpu=1, used: cpu=2, limited: cpu=2', "quota"),
    ],
)
def test_what_no_right_mends_is_not_answered_by_one(connect: ConnectTo, status: int, said: str, remedy: str) -> None:
    """The cause stands in the answer's words, not in its status."""
    gateway, _ = connect(in_order(refusal(status, said)))
    with pytest.raises(GiveUp) as refused:
        gateway.list_namespaces()
    assert said in refused.value.why
    assert remedy in refused.value.remedy
    assert "cluster-admin" not in refused.value.remedy
