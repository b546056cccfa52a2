"""The port `Kubernetes` over one API server."""

from __future__ import annotations

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.kubernetes.access import Access
from bot.gateways.kubernetes.api_server import ApiServer, TimeLimits
from bot.gateways.kubernetes.connections import Connection, FindsEndpoints, GkeConnection, KubeconfigConnection
from bot.gateways.kubernetes.inventory import InventoryReads
from bot.gateways.kubernetes.objects import Objects
from bot.gateways.kubernetes.served_apis import ServedApis
from bot.gateways.kubernetes.writes import Writes
from steps.mesh import ClusterAddress, ReachedServer


class KubernetesGateway(Access, InventoryReads, Objects, Writes):
    """The API server of one cluster, as one account; one instance per cluster, shared by threads."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._apis = ServedApis(server)

    def read_server(self, *, anew: bool = False) -> ReachedServer:
        if anew:
            self._server.close()
        return self._server.read_server()

    def refuses_account(self) -> bool:
        """Whether the API server took the bot's credentials no more when it answered last."""
        return self._server.refuses_account

    def close(self) -> None:
        """Close the idle connections."""
        self._server.close()


def connect_kubernetes(
    address: ClusterAddress,
    gke: FindsEndpoints,
    credentials: GoogleCredentials,
    limits: TimeLimits | None = None,
    retries: ReadRetries | None = None,
) -> KubernetesGateway:
    """The gateway for a cluster by GKE's endpoint, or by kubeconfig where the address names one; connects lazily."""
    connection: Connection
    if address.kubeconfig:
        connection = KubeconfigConnection(address)
    else:
        connection = GkeConnection(address, gke, credentials)
    return KubernetesGateway(ApiServer(connection, limits, retries))
