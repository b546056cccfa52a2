"""Fields without a meaning are refused where the client asks for it, by servers that know how."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from sandbox.cluster.http.tls import ServingCertificate
from sandbox.web.sites import serve_in_thread
from tests.unit.sandbox.cluster.yard import make_yard, workload

PATH = "/apis/apps/v1/namespaces/shop/deployments"


@pytest.mark.parametrize(
    ("version", "asked", "status"), [("v1.25.3", "Strict", 400), ("v1.25.3", "Ignore", 201), ("v1.20.2", "Strict", 201)]
)
def test_an_unknown_field(certificate: ServingCertificate, version: str, asked: str, status: int) -> None:
    """At creation and in a patch; the refusal names it."""
    yard = make_yard("shop", server_version=version)
    site = serve_in_thread(yard.cluster.app(background=False), certificate.server_context())
    pool = urllib3.PoolManager(ca_certs=str(certificate.ca_file), retries=False)

    def send(method: str, path: str, body: Any, kind: str = "application/json") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {yard.cluster.tokens.admin}", "Content-Type": kind}
        url = f"{site.url}{path}?fieldValidation={asked}"
        answer = pool.request(method, url, body=json.dumps(body), headers=headers, timeout=10)
        return answer.status, str(json.loads(answer.data).get("message", ""))

    try:
        made, said = send("POST", PATH, workload("Deployment", "web", replicaz=3))
        assert (made, 'unknown field "spec.replicaz"' in said) == (status, status == 400)
        yard.create(*([workload("Deployment", "web")] if status == 400 else []))
        merge = "application/merge-patch+json"
        assert send("PATCH", f"{PATH}/web", {"spec": {"replicas": 2}}, merge)[0] == 200
        assert send("PATCH", f"{PATH}/web", {"spec": {"replicaz": 2}}, merge)[0] == (400 if status == 400 else 200)
    finally:
        pool.clear()
        site.stop()
