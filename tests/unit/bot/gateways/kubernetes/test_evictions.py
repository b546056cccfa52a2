from __future__ import annotations

import pytest

from steps.contract.errors import GiveUp, TryAgain
from steps.mesh import Evicted, Eviction, EvictionRefused, PodGone, WorkloadRef
from tests.unit.bot.gateways.conftest import ConnectTo
from tests.unit.bot.gateways.loopback import Loopback, Reply, Request, refusal

BUDGET = Reply.of(
    {
        "kind": "Status",
        "message": "Cannot evict pod as it would violate the pod's disruption budget.",
        "reason": "TooManyRequests",
        "details": {"causes": [{"reason": "DisruptionBudget", "message": "needs 3 healthy pods and has 3 currently"}]},
        "code": 429,
    },
    429,
)


def resources(version: str) -> Reply:
    """Answer discovery of v1 with pods/eviction in this version of policy."""
    eviction = {"name": "pods/eviction", "kind": "Eviction", "namespaced": True, "group": "policy", "version": version}
    return Reply.of({"resources": [eviction, {"name": "pods", "kind": "Pod", "namespaced": True}]})


def evict(connect: ConnectTo, reply: Reply, version: str = "v1beta1") -> tuple[Eviction, Loopback]:
    """Evict shop/web-1 where the eviction is answered so."""

    def answer(request: Request) -> Reply:
        return reply if request.method == "POST" else resources(version)

    gateway, server = connect(answer)
    return gateway.evict_pod("shop", "web-1", "uid-1"), server


@pytest.mark.parametrize("status", [200, 201])
def test_a_taken_eviction(connect: ConnectTo, status: int) -> None:
    """The pod is on its way out."""
    assert evict(connect, Reply.of({}, status))[0] == Evicted()


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_the_served_version_is_sent_with_the_uid(connect: ConnectTo, version: str) -> None:
    """Found as kubectl finds it; a pod that took over the name is safe."""
    _, server = evict(connect, Reply.of({}, 201), version)
    body = server.requests[-1].json()
    assert body["apiVersion"] == f"policy/{version}"
    assert body["deleteOptions"] == {"preconditions": {"uid": "uid-1"}}


def test_the_version_is_looked_up_once(connect: ConnectTo) -> None:
    """An evicted pod costs one request."""

    def answer(request: Request) -> Reply:
        return Reply.of({}, 201) if request.method == "POST" else resources("v1beta1")

    gateway, server = connect(answer)
    for name in ("web-1", "web-2", "web-3"):
        gateway.evict_pod("shop", name, "uid")
    assert [request.method for request in server.requests] == ["GET", "POST", "POST", "POST"]


def test_a_budgets_refusal_waits(connect: ConnectTo) -> None:
    """The cause in the details tells it from throttling."""
    refused, _ = evict(connect, BUDGET)
    assert isinstance(refused, EvictionRefused)
    assert not refused.permanent
    assert "needs 3 healthy pods" in refused.why


def test_throttling_is_no_refusal(connect: ConnectTo) -> None:
    """A 429 without that cause obeys Retry-After."""
    with pytest.raises(TryAgain) as raised:
        evict(connect, refusal(429, "too many requests", Retry_After="7"))
    assert raised.value.retry_in == 7.0


def test_overlapping_budgets_are_permanent(connect: ConnectTo) -> None:
    """No wait mends two budgets over one pod."""
    refused, _ = evict(connect, refusal(500, "This pod has more than one PodDisruptionBudget, which is not supported."))
    assert refused == EvictionRefused("This pod has more than one PodDisruptionBudget, which is not supported.", True)


def test_another_500_is_tried_again(connect: ConnectTo) -> None:
    """A server in trouble is not a budget."""
    with pytest.raises(TryAgain, match="answered 500"):
        evict(connect, refusal(500, "etcdserver: request timed out"))


@pytest.mark.parametrize(
    "reply",
    [
        refusal(404, 'pods "web-1" not found'),
        refusal(409, "Precondition failed: UID in precondition: uid-1, UID in object meta: uid-2"),
    ],
)
def test_a_pod_that_is_gone(connect: ConnectTo, reply: Reply) -> None:
    """Deleted, or replaced by one of the same name."""
    assert evict(connect, reply)[0] == PodGone()


def test_another_conflict_is_tried_again(connect: ConnectTo) -> None:
    """A write that lost a race says nothing about the pod."""
    with pytest.raises(TryAgain, match="has been modified"):
        evict(connect, refusal(409, "the object has been modified"))


def test_no_right_to_evict_is_explained(connect: ConnectTo) -> None:
    """403 is a person's to mend."""
    with pytest.raises(GiveUp, match="evict shop/web-1"):
        evict(connect, refusal(403, 'User "bot" cannot create resource "pods/eviction"'))


@pytest.mark.parametrize(
    ("kind", "content_type", "body"),
    [
        (
            "Deployment",
            "application/strategic-merge-patch+json",
            {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "T"}}}}},
        ),
        ("Rollout", "application/merge-patch+json", {"spec": {"restartAt": "T"}}),
    ],
)
def test_restarts_are_kubectls_patch(connect: ConnectTo, kind: str, content_type: str, body: object) -> None:
    """A custom resource takes no strategic merge patch."""
    gateway, server = connect(lambda _request: Reply())
    gateway.restart_workload(WorkloadRef("shop", kind, "web"), "T")
    (request,) = server.requests
    assert (request.method, request.headers["Content-Type"], request.json()) == ("PATCH", content_type, body)
    assert request.query == {"fieldManager": "kubectl-rollout"}


def test_a_restart_may_compare_and_swap(connect: ConnectTo) -> None:
    """With a resourceVersion the server refuses what somebody else changed."""
    gateway, server = connect(lambda _request: Reply())
    gateway.restart_workload(WorkloadRef("shop", "Deployment", "web"), "T", "17")
    assert server.requests[0].json()["metadata"] == {"resourceVersion": "17"}


def test_a_kind_without_restart_is_refused(connect: ConnectTo) -> None:
    """A ReplicaSet's template patch would change nothing."""
    gateway, server = connect(lambda _request: Reply())
    with pytest.raises(GiveUp, match="can't be restarted by its template"):
        gateway.restart_workload(WorkloadRef("shop", "ReplicaSet", "web"), "T")
    assert server.requests == []


def test_a_workload_deleted_meanwhile_is_looked_at_again(connect: ConnectTo) -> None:
    """The next turn sees that it is gone."""
    gateway, _ = connect(lambda _request: refusal(404, "not found"))
    with pytest.raises(TryAgain, match="was deleted meanwhile"):
        gateway.restart_workload(WorkloadRef("shop", "Deployment", "web"), "T")
