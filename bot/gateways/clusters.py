"""The gateways of all clusters, built once and joined: Google's side, and one API server per cluster."""

from __future__ import annotations

import threading

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.gke import GkeGateway, GoogleEndpoints
from bot.gateways.kubernetes.api_server import TimeLimits
from bot.gateways.kubernetes.gateway import KubernetesGateway, connect_kubernetes
from steps.mesh import ClusterAddress


class ClusterGateways:
    """`gke` for all clusters and `kubernetes_for(address)` for each; nothing is contacted before it is needed."""

    def __init__(
        self,
        credentials: GoogleCredentials,
        endpoints: GoogleEndpoints | None = None,
        limits: TimeLimits | None = None,
        retries: ReadRetries | None = None,
    ) -> None:
        self._credentials = credentials
        self._limits = limits
        self._retries = retries
        self._lock = threading.Lock()
        self._connected: dict[ClusterAddress, KubernetesGateway] = {}
        self.gke = GkeGateway(credentials, self.kubernetes_for, endpoints, retries=retries)

    def kubernetes_for(self, address: ClusterAddress) -> KubernetesGateway:
        """The one gateway to this cluster's API server."""
        with self._lock:
            if address not in self._connected:
                self._connected[address] = connect_kubernetes(
                    address, self.gke, self._credentials, self._limits, self._retries
                )
            return self._connected[address]

    def list_refusing(self) -> frozenset[ClusterAddress]:
        """Where API servers take the bot's credentials no more, as they answered last; also where nobody asks now."""
        with self._lock:
            return frozenset(address for address, one in self._connected.items() if one.refuses_account())

    def close(self) -> None:
        """Close all idle connections."""
        self.gke.close()
        with self._lock:
            for gateway in self._connected.values():
                gateway.close()
