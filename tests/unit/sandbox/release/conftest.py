from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate, write_kubeconfig
from sandbox.release.archives import build_archive
from sandbox.release.programs import stand_in_kubectl
from sandbox.release.server import FOLDER, ReleaseServer
from sandbox.release.signing import SigningKey
from sandbox.web.sites import serve_in_thread
from tests.unit.sandbox.release.bench import TARGET, Bench, LeapingClock, Served
from tests.unit.sandbox.release.unpacking import unpack


@dataclass(frozen=True)
class Offer:
    """A release server that answers, and its address."""

    server: ReleaseServer
    url: str


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """One key for all tests."""
    return SigningKey.make()


@pytest.fixture
def offer(signing_key: SigningKey) -> Iterator[Offer]:
    """A release server with every switch off."""
    server = ReleaseServer(signing_key)
    site = serve_in_thread(server.app())
    yield Offer(server, f"{site.url}{FOLDER}")
    site.stop()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the target release once, with a kubectl beside it."""
    folder = tmp_path_factory.mktemp("release")
    unpack(build_archive(TARGET, "linux"), folder)
    (folder / "kubectl").write_text(stand_in_kubectl())
    (folder / "kubectl").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve one cluster for all tests."""
    clock = LeapingClock()
    cluster = SimulatedCluster(clock)
    certificate = ensure_certificate(tmp_path_factory.mktemp("tls"))
    site = serve_in_thread(cluster.app(), ssl=certificate.server_context())
    yield Served(cluster, clock, site.url, certificate.ca_base64, cluster.snapshot())
    site.stop()


@pytest.fixture
def bench(release: Path, served: Served, tmp_path: Path) -> Bench:
    """Give the cluster back what it held at first."""
    served.cluster.restore(served.first)
    kubeconfig = tmp_path / "kubeconfig"
    token = served.cluster.tokens.admin
    write_kubeconfig(kubeconfig, server=served.url, ca_base64=served.ca_base64, token=token)
    return Bench(served.cluster, served.clock, release, kubeconfig)
