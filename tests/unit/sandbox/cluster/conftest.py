"""A small simulated cluster served over TLS, with the clients people use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from sandbox.cluster.http.tls import ServingCertificate, ensure_certificate
from sandbox.web.sites import serve_in_thread
from tests.unit.sandbox.cluster.yard import Yard, make_yard

Json = dict[str, Any]


@dataclass(frozen=True)
class ServedYard:
    """A yard, its address and its certificate."""

    yard: Yard
    url: str
    certificate: ServingCertificate

    def api(self, token: str = "") -> client.ApiClient:
        """Return an API client for a token, the administrator's by default."""
        settings = client.Configuration(host=self.url)
        settings.ssl_ca_cert = str(self.certificate.ca_file)
        settings.api_key = {"authorization": f"Bearer {token or self.yard.cluster.tokens.admin}"}
        settings.retries = False
        return client.ApiClient(settings)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServingCertificate:
    """One certificate for all served clusters."""
    return ensure_certificate(Path(tmp_path_factory.mktemp("tls")))


@pytest.fixture
def served(certificate: ServingCertificate) -> Iterator[ServedYard]:
    """A cluster with the namespaces shop and data, ticked by hand."""
    yard = make_yard("shop", "data")
    site = serve_in_thread(yard.cluster.app(background=False), certificate.server_context())
    try:
        yield ServedYard(yard, site.url, certificate)
    finally:
        site.stop()


@pytest.fixture
def admin(served: ServedYard) -> Iterator[client.ApiClient]:
    """The administrator's client."""
    with served.api() as api:
        yield api
