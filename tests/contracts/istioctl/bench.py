"""istioctl and kubectl beside a cluster: recorded, guarded, or left to themselves."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.gateways.programs.kubectl_seam.call_log import LoggedCall, read_calls
from bot.gateways.programs.kubectl_seam.recording import HandedOver, ReadBack, read_recording
from bot.gateways.programs.kubectl_seam.rules import BoundFile, Ground, RunLimits
from bot.gateways.programs.kubectl_seam.run_folder import RunFolder, prepare_guarding, prepare_recording
from sandbox.release.tools.kube_api import read_access
from sandbox.release.tools.kube_writes import WritingApi

Json = dict[str, Any]

TARGET = "1.4.10-asm.18"
POOL = "example-project.svc.id.goog"
GUIDE = (
    "profile=asm",
    f"values.global.trustDomain={POOL}",
    f"values.global.sds.token.aud={POOL}",
    "values.nodeagent.env.GKE_CLUSTER_URL=https://container.example/v1/projects/p/locations/l/clusters/cluster-x",
    "values.global.meshID=proj-123456789012",
    "values.global.proxy.env.GCP_METADATA=example-project|123456789012|cluster-x|us-central1-a",
)
# The bot's way to start a program: it holds the run's lock on descriptor 9 and writes its own id there.
START = 'exec 9>>"$0"; echo $$ >"$0"; exec "$@"'
REFUSED_TOKEN = "a-refused-one"
COMPONENT = "operator.istio.io/component"
VIEWED = (
    ("", ("namespaces", "pods", "services", "replicationcontrollers")),
    ("apps", ("daemonsets", "deployments", "replicasets", "statefulsets")),
    ("batch", ("jobs", "cronjobs")),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("apiextensions.k8s.io", ("customresourcedefinitions",)),
)


@dataclass(frozen=True)
class Programs:
    """The two programs under contract, and a kubectl of istioctl's own time for what nothing guards."""

    istioctl: Path
    kubectl: Path
    old_kubectl: Path


@dataclass(frozen=True)
class Ran:
    """What istioctl left, and the calls of kubectl where the guard wrote them down."""

    code: int
    out: str
    errors: str
    calls: tuple[LoggedCall, ...] = ()


@dataclass(frozen=True)
class Bench:
    """A cluster with istioctl and kubectl; `api` sees all of it.

    `admin` is the kubeconfig that writes, `viewer` that of an account that may only read.
    """

    programs: Programs
    admin: Path
    viewer: Path
    folder: Path
    api: WritingApi
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def let_view(self, user: str) -> None:
        """Give an account the reads that a recording needs."""
        rules = [{"apiGroups": [group], "resources": list(names), "verbs": ["get", "list"]} for group, names in VIEWED]
        api, role = "rbac.authorization.k8s.io", {"metadata": {"name": "recorder"}}
        reference = {"apiGroup": api, "kind": "ClusterRole", "name": "recorder"}
        subjects = [{"apiGroup": api, "kind": "User", "name": user}]
        self.api.create({"apiVersion": f"{api}/v1", "kind": "ClusterRole", **role, "rules": rules})
        bound = {"roleRef": reference, "subjects": subjects}
        self.api.create({"apiVersion": f"{api}/v1", "kind": "ClusterRoleBinding", **role, **bound})

    def install(self, *flags: str) -> Ran:
        """Apply with a kubectl on PATH and nothing between."""
        bin_folder = self.folder / "plain"
        if not bin_folder.exists():
            bin_folder.mkdir()
            (bin_folder / "kubectl").symlink_to(self.programs.old_kubectl)
        arguments = (*apply_of(flags), "--kubeconfig", str(self.admin))
        return self._run(arguments, {"PATH": str(bin_folder), "HOME": str(self.folder)}, self._place("lock"))

    def run(self, *arguments: str) -> Ran:
        """Run istioctl without any kubectl."""
        return self._run(arguments, {"PATH": "/nowhere"}, self._place("lock"))

    def kubectl(self, *arguments: str, made: Sequence[Json] = (), kubeconfig: Path | None = None) -> Ran:
        """Run kubectl itself, with these objects on its standard input."""
        command = [str(self.programs.kubectl), *arguments, "--kubeconfig", str(kubeconfig or self.admin)]
        stdin = "\n\n".join(json.dumps(one) for one in made)
        environment = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        ended = subprocess.run(
            command, input=stdin, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def record(self, *flags: str, kubeconfig: Path | None = None) -> tuple[ReadBack, Ran]:
        """Write an apply down."""
        lock = self._place("lock")
        folder = prepare_recording(self._place("recording"), lock, self._ground(kubeconfig or self.viewer), limits())
        ran = self._run_in(folder, flags, lock)
        return read_recording(folder.calls), ran

    def guard(self, approved: HandedOver, *flags: str) -> Ran:
        """Apply under guard."""
        lock = self._place("lock")
        folder = prepare_guarding(self._place("guarded"), lock, self._ground(self.admin), limits(), approved)
        return self._run_in(folder, flags, lock)

    def find(self, api_version: str, kind: str, name: str, namespace: str = "istio-system") -> Json | None:
        """Return a live object."""
        return self.api.get(
            {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
        )

    def _run_in(self, folder: RunFolder, flags: Sequence[str], lock: Path) -> Ran:
        arguments = (*apply_of(flags), "--kubeconfig", str(folder.kubeconfig))
        ran = self._run(arguments, {"PATH": str(folder.bin)}, lock)
        return Ran(ran.code, ran.out, ran.errors, read_calls(folder.calls))

    def _run(self, arguments: Sequence[str], environment: dict[str, str], lock: Path) -> Ran:
        command = ["/bin/sh", "-c", START, str(lock), str(self.programs.istioctl), *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def _ground(self, kubeconfig: Path) -> Ground:
        kubectl = self.programs.kubectl
        uid = self.api.read("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        sha256 = hashlib.sha256(kubectl.read_bytes()).hexdigest()
        return Ground(BoundFile(kubectl, sha256), kubeconfig.read_bytes(), uid)

    def _place(self, name: str) -> Path:
        return self.folder / f"{name}-{next(self._numbers)}"


def connect(kubeconfig: Path, stack: ExitStack) -> WritingApi:
    """The cluster as this kubeconfig's account sees it, until the stack ends."""
    api = WritingApi(read_access(str(kubeconfig)))
    stack.callback(api.close)
    return api


def apply_of(flags: Sequence[str]) -> tuple[str, ...]:
    """The arguments of an apply with these --set flags."""
    return ("manifest", "apply", *(part for flag in flags for part in ("--set", flag)))


def limits() -> RunLimits:
    """A run of two minutes at most."""
    return RunLimits(time.monotonic() + 120.0, 30.0)
