"""The simulated cluster behind the real gateway, as a stage for the phase; most tests need no wire in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.kubernetes.api_server import TimeLimits
from bot.gateways.kubernetes.connections import Connection, KubeconfigConnection
from bot.gateways.kubernetes.gateway import KubernetesGateway
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ServingCertificate, write_kubeconfig
from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.objects.objects import copy_json
from sandbox.cluster.seeds.cluster_x import create_any, mesh_options, seed_cluster_x
from sandbox.web.sites import serve_in_thread
from steps.contract.release import Release
from steps.mesh import ClusterAddress, Pod, WorkloadRef
from tests.unit.steps.phases.sidecars.counting import CountingServer
from tests.unit.steps.rig import load_release

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
STRATEGIC = "application/strategic-merge-patch+json"
Json = dict[str, Any]
Connects = Callable[[SimulatedCluster], Connection]


@dataclass
class HandClock:
    """Simulated seconds since the epoch, moved by hand."""

    seconds: float = START

    def __call__(self) -> float:
        return self.seconds


class SimulatedMesh:
    """cluster-x with the gateway of an administrator; time passes only by `tick`."""

    def __init__(self, release: Release, connect: Connects, stack: ExitStack, snapshot: Json) -> None:
        self.release = release
        self.clock = HandClock()
        self.cluster = SimulatedCluster(self.clock, seed_fn=None)
        self.cluster.restore(copy_json(snapshot))
        # reads are retried at once: a test waits for nobody
        retries = ReadRetries(limit=2.0, clock=lambda: 0.0, sleep=lambda _seconds: None)
        self.server = CountingServer(connect(self.cluster), TimeLimits(2, 10), retries)
        self.kubernetes = KubernetesGateway(self.server)
        stack.callback(self.kubernetes.close)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.seconds, UTC)

    def tick(self, seconds: float = 5.0) -> None:
        """Let the cluster's time pass, a second at a time."""
        end = self.clock.seconds + max(seconds, 0.5)
        while self.clock.seconds < end:
            self.clock.seconds = min(end, self.clock.seconds + 1.0)
            self.cluster.tick()

    def control(self, act: Callable[[SimulatedCluster], object]) -> None:
        """Change the cluster behind the API's back."""
        with self.cluster.lock:
            act(self.cluster)

    def patch(self, ref: WorkloadRef, change: Json) -> None:
        """Merge a change into a workload, as somebody else would."""
        with self.cluster.lock:
            resource = self.cluster.resources.of_kind("apps", ref.kind)
            assert resource is not None
            self.cluster.api.patch(resource, ref.namespace, ref.name, change, STRATEGIC, version="v1")

    def list_live(self, space: str = "") -> list[Pod]:
        """The pods that are neither ended nor on their way out."""
        pods: Iterable[Pod] = self.kubernetes.list_pods(space)
        return [pod for pod in pods if not pod.terminating and pod.phase not in ("Succeeded", "Failed")]

    def versions(self, space: str) -> set[str]:
        """The sidecar versions in a namespace."""
        return {pod.proxy_image.rpartition(":")[2] for pod in self.list_live(space)}


def connect_by_wire(
    cluster: SimulatedCluster, certificate: ServingCertificate, folder: Path, stack: ExitStack
) -> Connection:
    """Serve the cluster on loopback; the connection of an administrator with a kubeconfig."""
    site = serve_in_thread(cluster.app(background=False), certificate.server_context())
    stack.callback(site.stop)
    path = folder / "kubeconfig.json"
    write_kubeconfig(path, server=site.url, ca_base64=certificate.ca_base64, token=cluster.tokens.admin)
    return KubeconfigConnection(ClusterAddress("cluster-x", kubeconfig=str(path)))


@cache
def take_plain_snapshot() -> Json:
    """The same for all who want no more than cluster-x."""
    return take_mesh_snapshot(load_release())


def take_mesh_snapshot(release: Release, extra: Iterable[Json] = ()) -> Json:
    """cluster-x and some more objects after its control plane moved to the release: sidecars old, injector new."""
    clock = HandClock(START - 600)
    cluster = SimulatedCluster(clock, seed_fn=seed_cluster_x)
    for made in extra:
        create_any(cluster, made)
    _advance(cluster, clock, 120)
    options = mesh_options()
    options["values"]["global"]["proxy"].pop("accessLogFile")
    for made in render_mesh(release.version, options):
        replace_object(cluster, made)
    _advance(cluster, clock, START - clock.seconds)
    return cluster.snapshot()


def _advance(cluster: SimulatedCluster, clock: HandClock, seconds: float) -> None:
    for _ in range(int(seconds)):
        clock.seconds += 1
        cluster.tick()


def replace_object(cluster: SimulatedCluster, made: Json) -> None:
    """Put a rendered object in place of the one that stands."""
    group, _, _ = str(made["apiVersion"]).rpartition("/")
    resource = cluster.resources.of_kind(group, made["kind"])
    assert resource is not None
    space = made["metadata"].get("namespace", "") if resource.namespaced else ""
    if cluster.store.find(resource.key, space, made["metadata"]["name"]) is None:
        create_any(cluster, made)
        return
    if made["kind"] in ("ConfigMap", "Deployment", "DaemonSet"):
        version = str(made["apiVersion"]).rpartition("/")[2]
        cluster.api.patch(resource, space, made["metadata"]["name"], made, STRATEGIC, version=version)
