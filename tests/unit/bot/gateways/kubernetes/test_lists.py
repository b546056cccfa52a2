from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steps.contract.errors import GiveUp, TryAgain
from steps.mesh import Requirement, WorkloadRef
from tests.unit.bot.gateways.conftest import ConnectTo
from tests.unit.bot.gateways.loopback import Reply, Request, in_order, refusal

EXPIRED = refusal(410, "The provided continue parameter is too old")


def pod_named(name: str) -> dict[str, Any]:
    """Describe a pod of the namespace shop."""
    return {"metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}"}, "spec": {"containers": []}}


def page(*names: str, following: str = "") -> Reply:
    """Answer with a page of pods."""
    meta = {"resourceVersion": "1", **({"continue": following} if following else {})}
    return Reply.of({"metadata": meta, "items": [pod_named(name) for name in names]})


def test_pages_are_followed_to_the_last(connect: ConnectTo) -> None:
    """Every page asks for 500, and resourceVersion stays unset lest the limit be ignored."""
    gateway, server = connect(in_order(page("a", "b", following="token"), page("c")))
    assert [pod.name for pod in gateway.list_pods()] == ["a", "b", "c"]
    assert [request.query for request in server.requests] == [
        {"limit": "500"},
        {"limit": "500", "continue": "token"},
    ]


def test_pages_are_asked_for_as_they_are_needed(connect: ConnectTo) -> None:
    """One page is in memory at a time."""
    gateway, server = connect(in_order(page("a", following="token"), page("b")))
    next(gateway.list_pods())
    assert len(server.requests) == 1


def test_an_expired_list_starts_again_without_repeating(connect: ConnectTo) -> None:
    """410 in the middle gives no pod twice and none too few."""
    gateway, _ = connect(in_order(page("a", following="t1"), EXPIRED, page("a", "b", following="t2"), page("c")))
    assert [pod.name for pod in gateway.list_pods()] == ["a", "b", "c"]


def test_a_list_that_keeps_expiring_is_left_to_the_runner(connect: ConnectTo) -> None:
    """A server that compacts faster than it is read is not asked for ever."""

    def answer(request: Request) -> Reply:
        return EXPIRED if "continue" in request.query else page("a", following="token")

    gateway, _ = connect(answer)
    with pytest.raises(TryAgain, match="expired the list"):
        list(gateway.list_pods())


def test_objects_of_an_expired_list_are_read_anew(connect: ConnectTo) -> None:
    """The small lists obey the same rule."""

    def answer(request: Request) -> Reply:
        if request.query.get("continue") == "old":
            return EXPIRED
        old = {"metadata": {"continue": "old"}, "items": [{"metadata": {"name": "gone"}}]}
        new = {"metadata": {}, "items": [{"metadata": {"name": "shop"}}]}
        return Reply.of(old if len(server.requests) == 1 else new)

    gateway, server = connect(answer)
    assert [namespace.name for namespace in gateway.list_namespaces()] == ["shop"]


def test_a_namespace_and_a_selector_narrow_the_list(connect: ConnectTo) -> None:
    """The server does the filtering."""
    gateway, server = connect(in_order(page("a")))
    list(gateway.list_pods("shop", "app=web,tier!=db"))
    assert server.requests[0].path == "/api/v1/namespaces/shop/pods"
    assert server.requests[0].query["labelSelector"] == "app=web,tier!=db"


def test_absent_argo_rollouts_are_no_workloads(connect: ConnectTo) -> None:
    """A cluster without Argo is the usual case."""
    gateway, _ = connect(in_order(refusal(404, "the server could not find the requested resource")))
    assert gateway.list_workloads("shop", ["Rollout"]) == ()


def test_absent_deployments_are_a_fault(connect: ConnectTo) -> None:
    """A 404 on a kind that every server has means that this is no API server."""
    gateway, _ = connect(in_order(Reply(404, b"not found")))
    with pytest.raises(GiveUp, match="answered 404"):
        gateway.list_workloads("shop", ["Deployment"])


def test_null_items_are_an_empty_list(connect: ConnectTo) -> None:
    """Servers in Go write null for an empty list of a custom resource."""
    gateway, _ = connect(in_order(Reply.of({"metadata": {}, "items": None})))
    assert gateway.list_workloads("shop", ["Rollout"]) == ()


def test_a_list_in_another_form_is_explained(connect: ConnectTo) -> None:
    """What can't be read is never half read."""
    gateway, _ = connect(in_order(Reply.of({"metadata": {}, "items": [{"metadata": {"name": 7}}]})))
    with pytest.raises(GiveUp, match="in a form that the bot can't read"):
        list(gateway.list_pods())


def test_a_gone_workload_is_none(connect: ConnectTo) -> None:
    """Absence is an answer."""
    gateway, _ = connect(in_order(refusal(404, "not found")))
    assert gateway.read_workload(WorkloadRef("shop", "Deployment", "web")) is None


def test_a_kind_that_is_not_read_is_named(connect: ConnectTo) -> None:
    """An unknown owner is a person's to restart."""
    gateway, _ = connect(in_order(Reply()))
    with pytest.raises(GiveUp, match="shop/CloneSet/web"):
        gateway.read_workload(WorkloadRef("shop", "CloneSet", "web"))


@pytest.mark.parametrize(
    "read",
    [
        lambda gateway: gateway.read_config_map("shop", "a") is None,
        lambda gateway: gateway.read_webhook("a") is None,
        lambda gateway: gateway.read_binding("a") is None,
        lambda gateway: gateway.count_ready_endpoints("shop", "a") == 0,
        lambda gateway: gateway.read_ingress_address("shop", "a") == "",
        lambda gateway: gateway.read_object("example.com/v1", "Thing", "shop", "a") is None,
        lambda gateway: gateway.list_objects("example.com/v1", "Thing") == (),
        lambda gateway: gateway.delete_binding("a") is None,
        lambda gateway: gateway.delete_namespace("a") is None,
    ],
)
def test_absent_objects_are_no_faults(connect: ConnectTo, read: Callable[[object], bool]) -> None:
    """Each read and each deletion is at ease with nothing there."""
    gateway, _ = connect(in_order(refusal(404, "not found")))
    assert read(gateway)


def test_endpoints_count_ready_addresses_alone(connect: ConnectTo) -> None:
    """An injector that isn't ready can't be called."""
    subsets = [{"addresses": [{"ip": "10.0.0.1"}], "notReadyAddresses": [{"ip": "10.0.0.2"}]}, {"addresses": None}]
    gateway, _ = connect(in_order(Reply.of({"subsets": subsets})))
    assert gateway.count_ready_endpoints("istio-system", "istio-sidecar-injector") == 1


@pytest.mark.parametrize(
    ("ingress", "address"),
    [([{"ip": "203.0.113.7"}], "203.0.113.7"), ([{"hostname": "lb.example"}], "lb.example"), ([], "")],
)
def test_ingress_address_is_that_of_the_load_balancer(
    connect: ConnectTo, ingress: list[dict[str, str]], address: str
) -> None:
    """An address, a name, or none yet."""
    gateway, _ = connect(in_order(Reply.of({"status": {"loadBalancer": {"ingress": ingress}}})))
    assert gateway.read_ingress_address("istio-system", "istio-ingressgateway") == address


def test_an_empty_ca_bundle_is_none(connect: ConnectTo) -> None:
    """The manifest ships it empty, and the injector fills it in."""
    hooks = [
        {"name": "a", "clientConfig": {"caBundle": "", "service": {"namespace": "istio-system", "name": "injector"}}}
    ]
    gateway, _ = connect(in_order(Reply.of({"webhooks": hooks})))
    found = gateway.read_webhook("istio-sidecar-injector")
    assert found is not None
    assert not found.has_ca_bundle
    assert (found.service_namespace, found.service_name) == ("istio-system", "injector")


def test_a_webhooks_namespaces_are_labels_and_expressions(connect: ConnectTo) -> None:
    """Injection by default registers expressions alone."""
    expression = {"key": "istio-injection", "operator": "NotIn", "values": ["disabled"]}
    selector = {"matchLabels": {"mesh": "on"}, "matchExpressions": [expression]}
    gateway, _ = connect(in_order(Reply.of({"webhooks": [{"name": "a", "namespaceSelector": selector}]})))
    found = gateway.read_webhook("istio-sidecar-injector")
    assert found is not None
    assert found.namespace_selector == {"mesh": "on"}
    assert found.namespace_requirements == (Requirement("istio-injection", "NotIn", ("disabled",)),)


def test_events_are_oldest_first(connect: ConnectTo) -> None:
    """The newest one is the last."""
    items = [
        {
            "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
            "reason": "B",
            "lastTimestamp": "2026-01-01T00:00:09Z",
        },
        {"metadata": {"creationTimestamp": "2026-01-01T00:00:05Z"}, "reason": "A", "lastTimestamp": None},
    ]
    gateway, server = connect(in_order(Reply.of({"items": items})))
    assert [event.reason for event in gateway.read_events("shop", "Pod", "web-1")] == ["A", "B"]
    assert server.requests[0].query["fieldSelector"] == "involvedObject.kind=Pod,involvedObject.name=web-1"


@pytest.mark.parametrize("status", [200, 403])
def test_an_answer_without_an_end_is_refused(connect: ConnectTo, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """It would fill the memory, and with it end the bot of all clusters."""
    monkeypatch.setattr("bot.gateways.kubernetes.api_server.LARGEST_ANSWER", 1_000)
    gateway, _ = connect(lambda _request: Reply(status, b" " * 5_000))
    with pytest.raises(GiveUp, match="with more than 0 MB"):
        list(gateway.list_pods())
