from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.gateways.calls.faults import OutsideCall
from bot.gateways.calls.trust import trust_for_downloads, trust_public_authorities
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.endpoints import Endpoint
from bot.gateways.kubernetes.api_server import ApiServer, TimeLimits
from bot.gateways.kubernetes.connections import GkeConnection
from bot.gateways.releases.web_files import open_client, open_file
from sandbox.cluster.http.tls import ServingCertificate, ensure_certificate
from steps.contract.errors import GiveUp, TryAgain
from steps.mesh import ClusterAddress
from tests.unit.bot.gateways.loopback import Loopback, Reply, in_order
from tests.unit.bot.gateways.project import ADDRESS, Google


@dataclass(frozen=True)
class Found:
    """GKE that knows one endpoint."""

    endpoint: Endpoint

    def find_endpoint(self, address: ClusterAddress) -> Endpoint:
        """The one it knows."""
        return self.endpoint


@dataclass(frozen=True)
class Bundle:
    """The CAs of the system, and the certificate of a server that one of them vouches for."""

    file: Path
    certificate: ServingCertificate


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """Give a bundle that SSL_CERT_FILE names."""
    certificate = ensure_certificate(tmp_path / "public")
    file = tmp_path / "bundle.pem"
    file.write_text(certificate.ca_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return Bundle(file, certificate)


def connect(credentials: GoogleCredentials, host: str, ca: str = "") -> GkeConnection:
    """A connection to a cluster where GKE tells this endpoint."""
    return GkeConnection(ADDRESS, Found(Endpoint("dns", host, ca)), credentials)


def read_through(credentials: GoogleCredentials, server: Loopback, host: str = "") -> int:
    """The status of one answer."""
    connection = connect(credentials, f"https://{host or server.address}")
    api = ApiServer(connection, TimeLimits(10, 10))
    try:
        return api.send("read the version", "GET", "/version").status
    finally:
        api.close()


def test_clusters_with_public_certificates_share_what_is_trusted(google: Google, bundle: Bundle) -> None:
    """The CAs are in memory once for all; a cluster with a CA of its own has none of it."""
    own = bundle.certificate.ca_pem
    clients = [connect(google.credentials, "https://127.0.0.1:1", ca).open() for ca in ("", "", own)]
    first, second, third = (client.rest_client.pool_manager.connection_pool_kw.get("ssl_context") for client in clients)
    assert first is second is trust_public_authorities()
    assert third is None


def test_it_verifies_as_a_context_of_each_connection_does(bundle: Bundle) -> None:
    """Certificate and name, and no old protocol."""
    context = trust_public_authorities()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1


def test_who_is_vouched_for_is_asked_and_nobody_else(google: Google, bundle: Bundle, tmp_path: Path) -> None:
    """Nothing is sent to a server of another CA, or of another name."""
    foreign = ensure_certificate(tmp_path / "foreign")
    with Loopback(in_order(Reply.of({})), bundle.certificate.server_context()) as server:
        assert read_through(google.credentials, server) == 200
        with pytest.raises(TryAgain, match="no trusted certificate"):
            read_through(google.credentials, server, server.address.replace("127.0.0.1", "0.0.0.0"))
        assert len(server.requests) == 1
    with Loopback(in_order(Reply.of({})), foreign.server_context()) as server:
        with pytest.raises(TryAgain, match="no trusted certificate"):
            read_through(google.credentials, server)
        assert server.requests == []


def test_a_bundle_that_changed_is_read_again(google: Google, bundle: Bundle, tmp_path: Path) -> None:
    """The next client trusts whom it names now."""
    other = ensure_certificate(tmp_path / "other")
    with Loopback(in_order(Reply.of({})), other.server_context()) as server:
        with pytest.raises(TryAgain):
            read_through(google.credentials, server)
        bundle.file.write_text(other.ca_pem)
        os.utime(bundle.file, (1_900_000_000, 1_900_000_000))
        assert read_through(google.credentials, server) == 200


def download(server: Loopback) -> int:
    """The status of one file."""
    call = OutsideCall("the release server", "download it", "Look at it.")
    with open_client((5, 5)) as client, open_file(client, call, f"https://{server.address}/file") as response:
        return response.status_code


def test_downloads_share_what_is_trusted(bundle: Bundle) -> None:
    """Read once for as long as the bundle stays as it is."""
    first = trust_for_downloads()
    assert (first.verify_mode, first.check_hostname, len(first.get_ca_certs())) == (ssl.CERT_REQUIRED, True, 1)
    assert trust_for_downloads() is first
    os.utime(bundle.file, (1_900_000_000, 1_900_000_000))
    assert trust_for_downloads() is not first


def test_nothing_is_downloaded_from_whom_nobody_vouches_for(bundle: Bundle, tmp_path: Path) -> None:
    """Though a context was shared with one who is vouched for."""
    foreign = ensure_certificate(tmp_path / "foreign")
    with Loopback(in_order(Reply.of({})), bundle.certificate.server_context()) as server:
        assert download(server) == 200
    with Loopback(in_order(Reply.of({})), foreign.server_context()) as server:
        with pytest.raises((TryAgain, GiveUp)):
            download(server)
        assert server.requests == []
