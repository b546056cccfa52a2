"""The tools of the target release, a stand-in kubectl, and a cluster on the previous release."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.clock import SimulatedClock
from sandbox.cluster.http.server import SimulatedCluster

Json = dict[str, Any]

TARGET = "1.4.10-asm.18"
POOL = "example-project.svc.id.goog"
CLUSTER_URL = "https://container.googleapis.com/v1/projects/example-project/locations/us-central1-a/clusters/cluster-x"
GUIDE = [
    "profile=asm",
    f"values.global.trustDomain={POOL}",
    f"values.global.sds.token.aud={POOL}",
    f"values.nodeagent.env.GKE_CLUSTER_URL={CLUSTER_URL}",
    "values.global.meshID=proj-123456789012",
    "values.global.proxy.env.GCP_METADATA=example-project|123456789012|cluster-x|us-central1-a",
    "values.global.proxy.accessLogFile=/dev/stdout",
]
COMPONENTS = ("Base", "Galley", "IngressGateway", "Injector", "NodeAgent", "Pilot")


class LeapingClock:
    """Simulated time: twenty times real time, and leaps by hand."""

    def __init__(self) -> None:
        self._steady = SimulatedClock(20.0)
        self._leapt = 0.0

    def __call__(self) -> float:
        return self._steady.now() + self._leapt

    def leap(self, seconds: float) -> None:
        """Go so far ahead at once."""
        self._leapt += seconds


@dataclass(frozen=True)
class Answer:
    """What a program left."""

    code: int
    out: str
    errors: str


@dataclass(frozen=True)
class Bench:
    """The tools of the target release and a cluster on the previous one; `tools` holds another kubectl."""

    cluster: SimulatedCluster
    clock: LeapingClock
    folder: Path
    kubeconfig: Path
    tools: Path | None = None

    def kubectl(self, *arguments: str, stdin: str = "") -> Answer:
        """Run the stand-in kubectl."""
        command = [str(self.folder / "kubectl"), *arguments, "--kubeconfig", str(self.kubeconfig)]
        ended = subprocess.run(command, input=stdin, env={}, capture_output=True, text=True, timeout=60, check=False)
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def run(self, tool: str, *arguments: str, path: bool = True, credentials: bool = True) -> Answer:
        """Run a tool as the bot runs it."""
        bin_folder = self.folder / f"istio-{TARGET}" / "bin"
        folders = f"{self.tools or self.folder}:/usr/bin:/bin" if path else "/bin/none"
        environment = {"KUBECONFIG": str(self.kubeconfig), "PATH": folders}
        if credentials:
            environment["GOOGLE_APPLICATION_CREDENTIALS"] = str(self.kubeconfig)
        command = [str(bin_folder / tool), *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def apply(self, *flags: str, options: tuple[str, ...] = (), path: bool = True) -> Answer:
        """Run `istioctl manifest apply` with --set flags."""
        sets = [part for flag in flags for part in ("--set", flag)]
        return self.run("istioctl", "manifest", "apply", *sets, *options, path=path)

    def images(self, name: str) -> list[str]:
        """Return the image tags of a Deployment's template."""
        found = self.find("deployments.apps", name)
        assert found is not None
        return [container["image"].rpartition(":")[2] for container in found["spec"]["template"]["spec"]["containers"]]

    def find(self, key: str, name: str, namespace: str = "istio-system") -> Json | None:
        """Return an object of the cluster."""
        with self.cluster.lock:
            return self.cluster.store.find(key, namespace, name)

    def settle(self) -> None:
        """Let ten simulated minutes pass at once."""
        self.clock.leap(600)
        self.cluster.tick()


@dataclass(frozen=True)
class Served:
    """cluster-x over TLS, and what it held at first."""

    cluster: SimulatedCluster
    clock: LeapingClock
    url: str
    ca_base64: str
    first: Json
