"""What the limits of a namespace count, and what is filled in."""

from __future__ import annotations

import pytest

from sandbox.cluster.objects.errors import ApiError
from tests.unit.sandbox.cluster.yard import Json, bare_pod, make_yard, workload


def quota(**hard: str) -> Json:
    spec = {"hard": {name.replace("__", "/").replace("_", "."): amount for name, amount in hard.items()}}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": "shop"}, "spec": spec}


def limit_range(**row: object) -> Json:
    spec = {"limits": [{"type": "Container", **row}]}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "few", "namespace": "shop"}, "spec": spec}


def test_every_name_of_a_quota_is_counted() -> None:
    """Pods that ran to their end take nothing any more."""
    yard = make_yard()
    yard.create(quota(pods="9", count__pods="9", count__deployments_apps="3", services="2", services_loadbalancers="1"))
    yard.create(workload("Deployment", "web", replicas=2), bare_pod("once", restartPolicy="Never"))
    ports = [{"port": 80}]
    for kind in ("LoadBalancer", "ClusterIP"):
        spec = {"type": kind, "ports": ports}
        metadata = {"name": kind.lower(), "namespace": "shop"}
        yard.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    yard.settle(60)
    assert yard.get("resourcequotas", "few")["status"]["used"] == {
        "pods": "2", "count/pods": "3", "count/deployments.apps": "1", "services": "2", "services.loadbalancers": "1",
    }  # fmt: skip


def test_a_kind_is_refused_by_its_name() -> None:
    """Whatever the kind."""
    yard = make_yard()
    yard.create(quota(count__deployments_apps="1"), workload("Deployment", "one"))
    with pytest.raises(ApiError, match=r'deployments.apps "two" is forbidden: exceeded quota: few') as caught:
        yard.create(workload("Deployment", "two"))
    assert caught.value.code == 403


def test_a_limit_range_fills_in_before_it_bounds() -> None:
    """The request is the default request, else the limit."""
    yard = make_yard()
    yard.create(
        limit_range(default={"cpu": "500m", "memory": "64Mi"}, defaultRequest={"cpu": "100m"}, max={"cpu": "1"})
    )
    (made,) = yard.create(bare_pod("web"))
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"},
    }  # fmt: skip


def test_an_unknown_token_is_nobodys() -> None:
    """What Google hands out and what its clients sign themselves is the account's."""
    tokens = make_yard().cluster.tokens
    assert tokens.user_of("whatever") is None
    found = [tokens.user_of(token) for token in ("ya29.x", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln")]
    assert [user.name for user in found if user] == [tokens.account] * 2
