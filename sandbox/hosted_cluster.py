"""The simulated cluster as a site of the sandbox: over TLS, with a kubeconfig, kept from one start to the next."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.bot.settings import SIMULATED_CLUSTER
from sandbox.clock import SimulatedClock
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ServingCertificate, ensure_certificate, write_kubeconfig
from sandbox.cluster.seeds.cluster_x import (
    NEIGHBOUR,
    NEIGHBOUR_LOCATION,
    add_account_roles,
    seed_cluster_x,
    seed_cluster_y,
)
from sandbox.cluster.weather.sky import find_weather
from sandbox.cluster.weather.table import WEATHERS
from sandbox.google.project import GkeCluster
from sandbox.state_folder import StateFolder, read_json, write_json
from sandbox.web.sites import open_site


@dataclass(frozen=True)
class HostedCluster:
    """The cluster and the address under which it answers; `neighbours` are in the same project, and only read."""

    folder: StateFolder
    cluster: SimulatedCluster
    url: str
    certificate: ServingCertificate
    neighbours: tuple[GkeCluster, ...] = ()

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
        """The project's clusters as the GKE API shows them."""
        own = GkeCluster("cluster-x", "us-central1-a", self.endpoint, self.authority, self.server_version)
        return (own, *self.neighbours)

    @property
    def server_version(self) -> str:
        """The version as GKE gives it, without the v."""
        return self.cluster.server_version.removeprefix("v")

    def save(self) -> None:
        """Write every object to disk."""
        write_json(self.folder.cluster, self.cluster.snapshot())

    def report_faults(self, say: Callable[[str], None]) -> None:
        """Say what the controllers stumble over, beginning with what they stumbled over already."""
        engine = self.cluster.engine
        for fault in engine.faults.values():
            say(fault.sentence())
        engine.on_fault = lambda fault: say(fault.sentence())


@contextlib.asynccontextmanager
async def open_cluster(
    folder: StateFolder, clock: SimulatedClock, weather: Sequence[str] = ()
) -> AsyncIterator[HostedCluster]:
    """Serve cluster-x, as it was left in this folder or as new, with these weathers in force.

    Raises ValueError when what was left can't be used, or for a weather that there is not.
    """
    for name in weather:
        find_weather(WEATHERS, name)
    if folder.attached.exists():
        raise ValueError(f"the state in {folder.root} is that of a cluster given by --kubeconfig; name another --state")
    left = read_json(folder.cluster)
    cluster = SimulatedCluster(clock.now, seed_fn=seed_cluster_x if left is None else None, lead=clock.lead)
    if left is not None:
        cluster.restore(left)
        add_account_roles(cluster)
    for name in weather:
        cluster.sky.begin(name)
    certificate = ensure_certificate(folder.certificates)
    site = await open_site(cluster.app(), ssl=certificate.server_context())
    try:
        authority, token = certificate.ca_base64, cluster.tokens.admin
        write_kubeconfig(folder.kubeconfig, server=site.url, ca_base64=authority, token=token)
        async with open_neighbour(clock, certificate) as neighbour:
            yield HostedCluster(folder, cluster, site.url, certificate, (neighbour,))
    finally:
        await site.close()


@contextlib.asynccontextmanager
async def open_neighbour(clock: SimulatedClock, certificate: ServingCertificate) -> AsyncIterator[GkeCluster]:
    """Serve cluster-y, which the bot's clusters.toml doesn't name: nothing moves in it, as nobody may change it."""
    cluster = SimulatedCluster(clock.now, seed_fn=seed_cluster_y)
    site = await open_site(cluster.app(background=False), ssl=certificate.server_context())
    try:
        version = cluster.server_version.removeprefix("v")
        endpoint = site.url.removeprefix("https://")
        yield GkeCluster(NEIGHBOUR, NEIGHBOUR_LOCATION, endpoint, certificate.ca_base64, version)
    finally:
        await site.close()
