"""A simulated cluster without a connection to it: what is asked goes straight to its API server.

For tests of what the bot asks and makes of the answers. How both travel is judged where the gateway is, and in the
scenarios that ask for a wire.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from urllib3 import PoolManager
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import TimeoutError as NoAnswer

from sandbox.cluster.api.requests import ApiRequest
from sandbox.cluster.http.site import ApiSite, Incoming, Outgoing, write_fault
from sandbox.cluster.server.faults import RequestFault
from sandbox.cluster.simulation import Simulation
from steps.mesh import ReachedServer

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

HOST = "http://cluster-x.invalid"


@dataclass(frozen=True)
class DirectAnswer:
    """A reply, read as one of urllib3's."""

    reply: Outgoing

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.reply.status

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers, by name in any case."""
        return CIMultiDict(self.reply.headers)

    def read(self, amt: int, *, decode_content: bool) -> bytes:
        """The body, which is never as long as the most that is read."""
        return self.reply.body

    def close(self) -> None:
        """Nothing was opened."""


class DirectPool:
    """What urllib3's pool is used for, without a connection."""

    def __init__(self, cluster: Simulation) -> None:
        self._cluster = cluster
        self._site = ApiSite(cluster)

    def urlopen(
        self, method: str, url: str, body: str | None = None, headers: Any = None, **options: object
    ) -> DirectAnswer:
        """Ask the API server; raises what urllib3 does where it cuts the connection, or would never answer."""
        if self._cluster.faults.latency:
            time.sleep(self._cluster.faults.latency)
        match self._site.respond(_write(method, url, body, CIMultiDict(headers))):
            case Outgoing() as reply:
                return DirectAnswer(reply)
            case RequestFault(kind="reset"):
                raise ProtocolError("Connection aborted.", RemoteDisconnected("Remote end closed connection"))
            case RequestFault(kind="hang"):
                raise NoAnswer("read timed out")
            case RequestFault() as fault:
                return DirectAnswer(write_fault(fault))
            case ApiRequest():
                raise AssertionError("a watch takes a connection")

    def clear(self) -> None:
        """Nothing was opened."""


class DirectConnection:
    """The way of an administrator to a simulated cluster."""

    unauthorized = "Renew the credentials, then retry."

    def __init__(self, cluster: Simulation, token: str = "") -> None:
        self.name = "cluster-x"
        self._cluster = cluster
        self._token = token or cluster.tokens.admin

    def open(self) -> ApiClient:
        """A client whose requests take no connection."""
        from kubernetes.client import ApiClient, Configuration

        configuration = Configuration(host=HOST)
        configuration.api_key["authorization"] = f"Bearer {self._token}"
        client = ApiClient(configuration)
        client.rest_client.pool_manager = DirectPool(self._cluster)  # type: ignore[assignment]
        return client

    def read_server(self, client: ApiClient) -> ReachedServer:
        """A server that is known by its name alone."""
        return ReachedServer(host=HOST)

    def renew_token(self, client: ApiClient) -> None:
        """There is one token, and no other."""

    def read_account(self) -> str:
        """The token doesn't say."""
        return ""


@contextmanager
def reach_directly(clusters: Mapping[str, Simulation]) -> Iterator[None]:
    """Whoever asks for a pool of connections to one of these addresses in this program gets its cluster itself."""
    connect, home, served = PoolManager.connection_from_url, os.getpid(), dict(clusters)

    def find_pool(manager: PoolManager, url: str, *options: Any) -> Any:
        # A forked bot has but a copy of the clusters.
        cluster = served.get(url) if os.getpid() == home else None
        return DirectPool(cluster) if cluster else connect(manager, url, *options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PoolManager, "connection_from_url", find_pool)
        try:
            yield
        finally:
            served.clear()  # another world that was opened meanwhile may put this function back


def _write(method: str, url: str, body: str | None, headers: CIMultiDict[str]) -> Incoming:
    where = urlsplit(url)
    media = headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()
    query = dict(parse_qsl(where.query, keep_blank_values=True))
    return Incoming(method, unquote(where.path), query, CIMultiDictProxy(headers), media, (body or "").encode())
