"""2,000 pods in 40 workloads on a real control plane, and three ways to give them another sidecar."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.gateways.kubernetes.api_server import TimeLimits
from bot.gateways.kubernetes.connections import KubeconfigConnection
from bot.gateways.kubernetes.gateway import KubernetesGateway
from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.seeds.cluster_x import mesh_options
from steps.contract.release import Release
from steps.mesh import ClusterAddress, Workload, WorkloadRef
from tests.contracts.ground import RealGround, is_settled
from tests.contracts.shapes import deployment
from tests.realcluster.control_plane import ControlPlane
from tests.unit.steps.phases.sidecars.counting import CountingServer

SPACES = 8
WORKLOADS_A_SPACE = 5
PODS_A_WORKLOAD = 50
LEAST_AVAILABLE = PODS_A_WORKLOAD - PODS_A_WORKLOAD * 25 // 100
OLD = "1.4.7-asm.0"
SAMPLE_SECONDS = 0.2
MOST_SECONDS = 1800.0
SDK = Path("/usr/lib/google-cloud-sdk/bin")
KUBECTL = ("kubectl.1.27", "kubectl.1.28", "kubectl.1.29", "kubectl.1.30")
MERGE = "application/merge-patch+json"


@dataclass
class Sampler:
    """The least availability seen, of all workloads that this lab made."""

    least: int = PODS_A_WORKLOAD
    samples: int = 0


@dataclass(frozen=True)
class LabSize:
    """How much a lab holds."""

    spaces: int = SPACES
    workloads_a_space: int = WORKLOADS_A_SPACE
    pods_a_workload: int = PODS_A_WORKLOAD


class WallStage:
    """A real cluster in real time, as a stage for the steps of the phase."""

    def __init__(self, release: Release, kubernetes: KubernetesGateway) -> None:
        self.release = release
        self.kubernetes = kubernetes

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def tick(self, seconds: float = 5.0) -> None:
        """Wait as the runner would."""
        time.sleep(seconds)


class Lab:
    """The workloads and their injector on a control plane."""

    def __init__(self, plane: ControlPlane, release: Release, stack: ExitStack, size: LabSize | None = None) -> None:
        self.release = release
        self._size = size or LabSize()
        self._plane = plane
        self._ground = RealGround(plane, stack)
        connection = KubeconfigConnection(ClusterAddress("cluster-x", kubeconfig=str(plane.kubeconfig)))
        self.server = CountingServer(connection, TimeLimits(5, 60))
        self.stage = WallStage(release, KubernetesGateway(self.server))
        stack.callback(self.stage.kubernetes.close)
        self.spaces: list[str] = []

    @property
    def refs(self) -> list[WorkloadRef]:
        """All workloads."""
        return [
            WorkloadRef(space, "Deployment", f"w{number}")
            for space in self.spaces
            for number in range(self._size.workloads_a_space)
        ]

    def fill(self) -> None:
        """Install the release's control plane, and the pods with the sidecar of the release before."""
        options = mesh_options()
        self._ground.create(*render_mesh(self.release.version, options))
        self._ground.until(lambda: self._ground.gateway.count_ready_endpoints("istio-system", "istio-sidecar-injector"))
        self.inject(OLD)
        self.spaces = [self._ground.make_space(injected=True) for _ in range(self._size.spaces)]
        for ref in self.refs:
            self._ground.create(deployment(ref.namespace, ref.name, self._size.pods_a_workload))
        self.wait()

    def inject(self, version: str) -> None:
        """Let the injector inject this version from now on."""
        path = "/api/v1/namespaces/istio-system/configmaps/istio-sidecar-injector"
        values = json.loads(self._ground.send("GET", path).json()["data"]["values"])
        values["global"]["tag"] = version
        change = {"data": {"values": json.dumps(values)}}
        assert self._ground.send("PATCH", path, change, MERGE).is_success
        time.sleep(1.0)  # until the injector has seen it

    def wait(self) -> None:
        """Wait until every workload has rolled out and no pod is on its way out."""
        self._ground.until(self._is_calm, MOST_SECONDS)

    def _is_calm(self) -> bool:
        found = [one for one in self._ground.gateway.list_workloads(kinds=("Deployment",)) if one.ref in set(self.refs)]
        return len(found) == len(self.refs) and all(map(is_settled, found))

    def list_versions(self) -> dict[str, int]:
        """How many live pods of the lab run each version."""
        counts: dict[str, int] = {}
        for space in self.spaces:
            for pod in self._ground.list_live(space):
                version = pod.proxy_image.rpartition(":")[2]
                counts[version] = counts.get(version, 0) + 1
        return counts

    def restart_at_once(self) -> float:
        """Seconds to restart every workload in one go."""
        begun = time.monotonic()
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda ref: self._ground.gateway.restart_workload(ref, stamp), self.refs))
        self.wait()
        return time.monotonic() - begun

    def restart_in_turn(self) -> float:
        """Seconds of the guide's loop: rollout restart, then rollout status, one workload after the other."""
        kubectl = find_kubectl()
        restart = self._restart_by_kubectl(kubectl) if kubectl else self._restart_alone
        begun = time.monotonic()
        for ref in self.refs:
            restart(ref)
        return time.monotonic() - begun

    def _restart_by_kubectl(self, kubectl: str) -> Callable[[WorkloadRef], None]:
        def restart(ref: WorkloadRef) -> None:
            for verb in ("restart", "status"):
                command = [kubectl, f"--kubeconfig={self._plane.kubeconfig}", f"--namespace={ref.namespace}"]
                command += ["rollout", verb, f"deployment/{ref.name}"]
                subprocess.run(command, check=True, capture_output=True, timeout=300)

        return restart

    def _restart_alone(self, ref: WorkloadRef) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._ground.gateway.restart_workload(ref, stamp)
        self._ground.until(lambda: is_rolled_out(self._ground.read(ref)), 300)

    @contextmanager
    def sample_availability(self) -> Iterator[Sampler]:
        """Look at the availability of every workload each 0.2 s from a thread of its own."""
        sampler, ended = Sampler(), threading.Event()
        refs = set(self.refs)

        def sample() -> None:
            with ExitStack() as stack:
                ground = RealGround(self._plane, stack)
                while not ended.wait(SAMPLE_SECONDS):
                    found = ground.gateway.list_workloads(kinds=("Deployment",))
                    sampler.least = min([sampler.least, *(one.available for one in found if one.ref in refs)])
                    sampler.samples += 1

        thread = threading.Thread(target=sample, name="availability")
        thread.start()
        try:
            yield sampler
        finally:
            ended.set()
            thread.join()


def is_rolled_out(found: Workload) -> bool:
    """Whether kubectl's rollout status would say so."""
    return (
        found.observed_generation >= found.generation
        and found.updated >= found.replicas
        and found.current <= found.updated
        and found.available >= found.updated
    )


def find_kubectl() -> str:
    """A kubectl of a fixed version, "" where there is none."""
    return next((found for name in KUBECTL if (found := shutil.which(name) or shutil.which(SDK / name))), "")
