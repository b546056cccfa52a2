"""What the tests of the gateways share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.google.gke import GkeGateway
from bot.gateways.kubernetes.api_server import ApiServer, TimeLimits
from bot.gateways.kubernetes.connections import KubeconfigConnection
from bot.gateways.kubernetes.gateway import KubernetesGateway
from sandbox.google.account import ServiceAccount
from steps.mesh import ClusterAddress
from tests.unit.bot.gateways.loopback import Answerer, HandClock, Loopback, write_kubeconfig
from tests.unit.bot.gateways.project import Google, refuse_kubeconfigs

# A server that answers may take its time on a busy machine; only for one that never does the limit is short.
AMPLE = TimeLimits(connect=10.0, read=10.0)
SHORT = TimeLimits(connect=10.0, read=0.2)
Serve = Callable[[Answerer], Loopback]


class ConnectTo(Protocol):
    """Connects a gateway to a server that answers as scripted."""

    def __call__(self, answer: Answerer, limits: TimeLimits = ...) -> tuple[KubernetesGateway, Loopback]:
        """The gateway and its server."""


@pytest.fixture
def hand_clock() -> HandClock:
    """Give a clock that no test has to wait for."""
    return HandClock()


@pytest.fixture
def retries(hand_clock: HandClock) -> ReadRetries:
    """Give retries that wait on the hand clock."""
    return ReadRetries(clock=hand_clock, sleep=hand_clock.sleep)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that end with the test."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Loopback(answer))


@pytest.fixture
def connect(serve: Serve, tmp_path: Path, retries: ReadRetries) -> Iterator[ConnectTo]:
    """Connect a gateway to an API server that answers as scripted."""
    opened: list[KubernetesGateway] = []

    def connect_to(answer: Answerer, limits: TimeLimits = AMPLE) -> tuple[KubernetesGateway, Loopback]:
        server = serve(answer)
        address = ClusterAddress("cluster-x", kubeconfig=str(write_kubeconfig(tmp_path, server.url)))
        opened.append(KubernetesGateway(ApiServer(KubeconfigConnection(address), limits, retries)))
        return opened[-1], server

    yield connect_to
    for gateway in opened:
        gateway.close()


@pytest.fixture(scope="session")
def account() -> ServiceAccount:
    """Make the service account's key once."""
    return ServiceAccount.make()


@pytest.fixture
def google(account: ServiceAccount, tmp_path: Path) -> Iterator[Google]:
    """Serve a project with cluster-x."""
    made = Google(account, tmp_path)
    yield made
    made.site.stop()


@pytest.fixture
def gke(google: Google, retries: ReadRetries) -> Iterator[GkeGateway]:
    """Give the gateway to the sandbox's project."""
    made = GkeGateway(google.credentials, refuse_kubeconfigs, google.endpoints, retries=retries)
    yield made
    made.close()
