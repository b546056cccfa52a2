"""The simulated cluster as a site of the sandbox: over TLS, with its controllers at work in the background."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sandbox.clock import SimulatedClock
from sandbox.cluster.server import SimulatedCluster
from sandbox.cluster.tls import Certificates, write_kubeconfig
from sandbox.sites import open_site
from sandbox.state_folder import StateFolder, read_json, write_json

CONTEXT = "gke_example-project_us-central1-a_cluster-x"
LONGEST_PAUSE = 0.1


@dataclass(frozen=True)
class HostedCluster:
    """The cluster and how it is reached; `authority` is the CA certificate in base64, `endpoint` host and port."""

    folder: StateFolder
    cluster: SimulatedCluster
    url: str
    authority: str

    @property
    def endpoint(self) -> str:
        """The endpoint as GKE gives it, without a scheme."""
        return self.url.removeprefix("https://")

    @property
    def server_version(self) -> str:
        """The version as GKE gives it, without the v."""
        return self.cluster.server_version.removeprefix("v")

    def save(self) -> None:
        """Write down every object."""
        write_json(self.folder.cluster, self.cluster.snapshot())


@contextlib.asynccontextmanager
async def open_cluster(folder: StateFolder, clock: SimulatedClock) -> AsyncIterator[HostedCluster]:
    """Serve cluster-x, as it was left in this folder or as new."""
    cluster = SimulatedCluster(clock.now)
    left = read_json(folder.cluster)
    if left is not None:
        cluster.restore(left)
    certificates = Certificates.kept_in(folder.certificates)
    site = await open_site(cluster.app(), ssl=certificates.server_context())
    controllers = asyncio.ensure_future(_run_controllers(cluster, clock))
    try:
        write_kubeconfig(folder.kubeconfig, site.url, certificates, cluster.tokens.admin, CONTEXT)
        yield HostedCluster(folder, cluster, site.url, base64.b64encode(certificates.authority_pem).decode())
    finally:
        controllers.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await controllers
        await site.close()


async def _run_controllers(cluster: SimulatedCluster, clock: SimulatedClock) -> None:
    while True:
        due = cluster.tick()
        pause = LONGEST_PAUSE if due is None else clock.real_seconds(due - clock.now())
        await asyncio.sleep(min(max(pause, 0.01), LONGEST_PAUSE))
