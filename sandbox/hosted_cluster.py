"""The simulated cluster as a site of the sandbox: over TLS, with a kubeconfig, kept from one start to the next."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.bot_settings import SIMULATED_CLUSTER
from sandbox.clock import SimulatedClock
from sandbox.cluster.seed import seed_cluster_x
from sandbox.cluster.server import SimulatedCluster
from sandbox.cluster.tls import ServingCertificate, ensure_certificate, write_kubeconfig
from sandbox.google.project import GkeCluster
from sandbox.sites import open_site
from sandbox.state_folder import StateFolder, read_json, write_json


@dataclass(frozen=True)
class HostedCluster:
    """The cluster and the address under which it answers."""

    folder: StateFolder
    cluster: SimulatedCluster
    url: str
    certificate: ServingCertificate

    @property
    def endpoint(self) -> str:
        """The endpoint as GKE gives it: host and port, no scheme."""
        return self.url.removeprefix("https://")

    @property
    def authority(self) -> str:
        """The CA certificate in base64, as GKE gives it."""
        return self.certificate.ca_base64

    @property
    def kubeconfig(self) -> Path:
        """For a person's own kubectl."""
        return self.folder.kubeconfig

    @property
    def clusters_part(self) -> str:
        """What the bot is told about it."""
        return SIMULATED_CLUSTER

    @property
    def gke(self) -> tuple[GkeCluster, ...]:
        """The cluster as the GKE API shows it."""
        return (GkeCluster("cluster-x", "us-central1-a", self.endpoint, self.authority, self.server_version),)

    @property
    def server_version(self) -> str:
        """The version as GKE gives it, without the v."""
        return self.cluster.server_version.removeprefix("v")

    def save(self) -> None:
        """Write down every object."""
        write_json(self.folder.cluster, self.cluster.snapshot())


@contextlib.asynccontextmanager
async def open_cluster(folder: StateFolder, clock: SimulatedClock) -> AsyncIterator[HostedCluster]:
    """Serve cluster-x, as it was left in this folder or as new. Raises ValueError when what was left can't be used."""
    if folder.attached.exists():
        raise ValueError(f"the state in {folder.root} is that of a cluster given by --kubeconfig; name another --state")
    left = read_json(folder.cluster)
    cluster = SimulatedCluster(clock.now, seed_fn=seed_cluster_x if left is None else None)
    if left is not None:
        cluster.restore(left)
    certificate = ensure_certificate(folder.certificates)
    site = await open_site(cluster.app(), ssl=certificate.server_context())
    try:
        authority, token = certificate.ca_base64, cluster.tokens.admin
        write_kubeconfig(folder.kubeconfig, server=site.url, ca_base64=authority, token=token)
        yield HostedCluster(folder, cluster, site.url, certificate)
    finally:
        await site.close()
