"""A request is answered alike, whether it comes over a connection or goes straight to the API server."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from sandbox.cluster.seeds.objects import deployment
from sandbox.cluster.server.faults import RequestFault
from tests.direct import DirectPool
from tests.unit.sandbox.cluster.conftest import ServedYard

# Date and Server are the connection's own.
HEADERS = ("Content-Type", "Retry-After", "Warning")
MERGE = {"Content-Type": "application/merge-patch+json; charset=utf-8"}
TABLE = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
ASKED: list[tuple[str, str, dict[str, str], str | None]] = [
    ("GET", "/version", {}, None),
    ("GET", "/healthz", {}, None),
    ("GET", "/apis", {}, None),
    ("GET", "/nowhere", {}, None),
    ("GET", "/api/v1/namespaces/shop/pods", {}, None),
    ("GET", "/api/v1/namespaces/shop/pods?limit=1&labelSelector=app%20in%20%28web%2Capi%29", {}, None),
    ("GET", "/api/v1/namespaces/shop/pods?labelSelector=", TABLE, None),
    ("GET", "/api/v1/namespaces/shop/pods?labelSelector=%21", {}, None),
    ("GET", "/api/v1/namespaces/shop/pods/none", {}, None),
    ("GET", "/apis/apps/v1/namespaces/shop/deployments/web", {}, None),
    ("GET", "/apis/apps/v1/namespaces/shop/deployments/web%2Fx", {}, None),
    ("GET", "/api/v1/pods", {"Impersonate-User": "somebody"}, None),
    ("GET", "/api/v1/pods", {"Impersonate-Group": "some"}, None),
    ("GET", "/api/v1/pods", {"Authorization": "Bearer nobody's"}, None),
    ("GET", "/api/v1/pods", {"Authorization": ""}, None),
    ("GET", "/openapi/v2", {"Accept": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}, None),
    ("PUT", "/api/v1/pods", {}, "{}"),
    ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All", MERGE, '{"spec": {"replicas": 3}}'),
    ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All", MERGE, "{"),
    ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All", {"Content-Type": "text/html"}, "{}"),
    ("DELETE", "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All", {}, None),
]  # fmt: skip


@pytest.fixture
def pools(served: ServedYard) -> tuple[urllib3.HTTPSConnectionPool, DirectPool]:
    """The two ways to one cluster with a workload."""
    served.yard.create(deployment("shop", "web", 2))
    served.yard.settle()
    wire = urllib3.connection_from_url(served.url, ca_certs=str(served.certificate.ca_file), retries=False)
    assert isinstance(wire, urllib3.HTTPSConnectionPool)
    return wire, DirectPool(served.yard.cluster)


def ask(pool: Any, token: str, method: str, url: str, headers: dict[str, str], body: str | None) -> Any:
    """Status, headers and body, as JSON where it is."""
    given = {"Authorization": f"Bearer {token}", "User-Agent": "bot/1", **headers}
    answer = pool.urlopen(method, url, body=body, headers=given, redirect=False, preload_content=False)
    content = answer.read(2**24, decode_content=True)
    told = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
    return answer.status, told, json.loads(content) if told["Content-Type"] == "application/json" else content


@pytest.mark.parametrize(("method", "url", "headers", "body"), ASKED)
def test_both_ways_answer_alike(
    served: ServedYard, pools: tuple[Any, Any], method: str, url: str, headers: dict[str, str], body: str | None
) -> None:
    """Reads in every form, writes, and what is refused."""
    token = served.yard.cluster.tokens.admin
    wire, direct = (ask(pool, token, method, url, headers, body) for pool in pools)
    assert wire == direct


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_both_ways_fail_alike(served: ServedYard, pools: tuple[Any, Any], status: int) -> None:
    """By a status."""
    served.yard.cluster.faults_strike_admin = True
    served.yard.cluster.faults.requests.append(RequestFault(status=status, retry_after=7))
    token = served.yard.cluster.tokens.admin
    wire, direct = (ask(pool, token, "GET", "/api/v1/pods", {}, None) for pool in pools)
    assert (wire[0], wire) == (status, direct)


def test_both_ways_are_cut_alike(served: ServedYard, pools: tuple[Any, Any]) -> None:
    """By what urllib3 raises where nothing comes back."""
    served.yard.cluster.faults_strike_admin = True
    served.yard.cluster.faults.requests.append(RequestFault("reset"))
    for pool in pools:
        with pytest.raises(urllib3.exceptions.ProtocolError):
            ask(pool, served.yard.cluster.tokens.admin, "GET", "/api/v1/pods", {}, None)


def test_a_hanging_request_ends_with_its_time_on_both_ways(served: ServedYard, pools: tuple[Any, Any]) -> None:
    """Directly at once, over a connection after as long as was allowed."""
    served.yard.cluster.faults_strike_admin = True
    served.yard.cluster.faults.requests.append(RequestFault("hang"))
    given = {"Authorization": f"Bearer {served.yard.cluster.tokens.admin}"}
    for pool in pools:
        with pytest.raises(urllib3.exceptions.TimeoutError):
            pool.urlopen("GET", "/api/v1/pods", headers=given, timeout=0.1)
