from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import SimulatedClock
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate, write_kubeconfig
from sandbox.release.archives import build_archive
from sandbox.release.programs import stand_in_kubectl
from sandbox.web.sites import serve_in_thread
from tests.unit.sandbox.release.unpacking import unpack

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
    """The tools of the target release and a cluster on the previous one."""

    cluster: SimulatedCluster
    clock: LeapingClock
    folder: Path
    kubeconfig: Path

    def run(self, tool: str, *arguments: str, path: bool = True, credentials: bool = True) -> Answer:
        """Run a tool as the bot runs it."""
        bin_folder = self.folder / f"istio-{TARGET}" / "bin"
        folders = f"{self.folder}:/usr/bin:/bin" if path else "/bin/none"
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


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the target release once, with a kubectl beside it."""
    folder = tmp_path_factory.mktemp("release")
    unpack(build_archive(TARGET, "linux"), folder)
    (folder / "kubectl").write_text(stand_in_kubectl())
    (folder / "kubectl").chmod(0o755)
    return folder


@dataclass(frozen=True)
class Served:
    """cluster-x over TLS, and what it held at first."""

    cluster: SimulatedCluster
    clock: LeapingClock
    url: str
    ca_base64: str
    first: Json


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve one cluster for all tests."""
    clock = LeapingClock()
    cluster = SimulatedCluster(clock)
    certificate = ensure_certificate(tmp_path_factory.mktemp("tls"))
    site = serve_in_thread(cluster.app(), ssl=certificate.server_context())
    yield Served(cluster, clock, site.url, certificate.ca_base64, cluster.snapshot())
    site.stop()


@pytest.fixture
def bench(release: Path, served: Served, tmp_path: Path) -> Bench:
    """Give the cluster back what it held at first."""
    served.cluster.restore(served.first)
    kubeconfig = tmp_path / "kubeconfig"
    token = served.cluster.tokens.admin
    write_kubeconfig(kubeconfig, server=served.url, ca_base64=served.ca_base64, token=token)
    return Bench(served.cluster, served.clock, release, kubeconfig)


def test_apply_replaces_the_control_plane(bench: Bench) -> None:
    """Every image of the release's own is the target's."""
    answer = bench.apply(*GUIDE)
    assert (answer.code, answer.errors) == (0, "")
    assert set(bench.images("istio-pilot") + bench.images("istio-galley")) == {TARGET}


def test_base_is_applied_before_everything_else(bench: Bench) -> None:
    """Then all other components, in any order, and the last line says that it is done."""
    lines = [line for line in bench.apply(*GUIDE).out.splitlines() if line]
    assert lines[:2] == [
        "- Applying manifest for component Base...",
        "✔ Finished applying manifest for component Base.",
    ]
    assert {line for line in lines if line.startswith("✔ Finished")} == {
        f"✔ Finished applying manifest for component {name}." for name in COMPONENTS
    }
    assert lines[-1] == "✔ Installation complete"


def test_the_same_manifests_again_roll_nothing(bench: Bench) -> None:
    """Only what the server or a controller changed is put back."""
    bench.apply(*GUIDE)
    before = bench.find("deployments.apps", "istio-pilot")
    bench.apply(*GUIDE)
    after = bench.find("deployments.apps", "istio-pilot")
    assert before is not None
    assert after is not None
    assert before["metadata"]["generation"] == after["metadata"]["generation"]


def test_a_dry_run_changes_nothing(bench: Bench) -> None:
    """And yet says that everything was applied, as the real one does."""
    before = bench.cluster.canonical_state()
    answer = bench.apply(*GUIDE, options=("--dry-run",))
    assert answer.out.rstrip().endswith("✔ Installation complete")
    assert bench.cluster.canonical_state() == before


def test_a_forgotten_profile_shows_in_the_dry_run(bench: Bench) -> None:
    """The node agent of the profile would go."""
    answer = bench.apply(*GUIDE[1:], options=("--dry-run",))
    assert "- Pruning objects for disabled component NodeAgent..." in answer.out
    assert bench.find("daemonsets.apps", "istio-nodeagent") is not None


def test_a_disabled_component_is_removed(bench: Bench) -> None:
    """What an earlier install had and this one forgets."""
    bench.apply(*GUIDE, "values.prometheus.enabled=true")
    assert bench.find("deployments.apps", "prometheus") is not None
    answer = bench.apply(*GUIDE)
    assert "- Pruning objects for disabled component Prometheus..." in answer.out
    assert bench.find("deployments.apps", "prometheus") is None


def test_strict_mode_reaches_the_mesh(bench: Bench) -> None:
    """Also where a PERMISSIVE policy was in force."""
    bench.apply(*GUIDE, "values.global.mtls.enabled=true")
    policy = bench.find("meshpolicies.authentication.istio.io", "default", "")
    assert policy is not None
    assert policy["spec"]["peers"] == [{"mtls": {}}]


def test_without_kubectl_every_component_fails(bench: Bench) -> None:
    """The real istioctl calls the kubectl on PATH."""
    answer = bench.apply(*GUIDE, path=False)
    assert answer.code == 255
    assert "executable file not found in $PATH" in answer.out
    assert "✘ Errors were logged during apply operation." in answer.out
    assert "Failed to generate and apply manifests" in answer.errors


def test_an_apply_without_rights_says_what_is_forbidden(bench: Bench) -> None:
    """The viewer's token may not patch."""
    config = bench.kubeconfig.read_text().replace(bench.cluster.tokens.admin, "the-bots-own")
    bench.kubeconfig.write_text(config)
    answer = bench.apply(*GUIDE)
    assert answer.code == 255
    assert "Error from server (Forbidden)" in answer.out


def test_a_bad_flag_ends_with_255_before_anything_is_applied(bench: Bench) -> None:
    """With the parser's sentence."""
    answer = bench.apply(*GUIDE, "values.global.proxy.env.A=b=c")
    assert (answer.code, answer.out) == (255, "")
    assert "expect format key=value" in answer.errors


def test_an_unreachable_server_is_a_failure(bench: Bench) -> None:
    """With the reason."""
    bench.kubeconfig.write_text(bench.kubeconfig.read_text().replace("https://127.0.0.1", "https://127.0.0.1:1/x"))
    answer = bench.apply(*GUIDE)
    assert answer.code == 255


def test_the_version_command_tells_client_and_mesh(bench: Bench) -> None:
    """By image tags."""
    out = bench.run("istioctl", "version").out
    assert "client version: 1.4.10-asm.18" in out
    assert "pilot version: 1.4.7-asm.0" in out


def test_migrate_prints_the_values_of_the_install(bench: Bench) -> None:
    """From the injector's ConfigMap."""
    assert "accessLogFile: /dev/stdout" in bench.run("istioctl", "manifest", "migrate").out


def test_manifests_are_compared(bench: Bench, tmp_path: Path) -> None:
    """0 for the same, 1 for others."""
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / "b.yaml").write_text("a: 2\n")
    same = bench.run("istioctl", "manifest", "diff", str(tmp_path / "a.yaml"), str(tmp_path / "a.yaml"))
    other = bench.run("istioctl", "manifest", "diff", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"))
    assert (same.code, other.code) == (0, 1)


def test_asmctl_passes_on_the_upgraded_mesh(bench: Bench) -> None:
    """With the lines of the guide."""
    bench.apply(*GUIDE)
    bench.settle()
    answer = bench.run("asmctl", "validate", "--with-testing-workloads")
    assert (answer.code, answer.errors) == (0, "")
    assert answer.out.splitlines() == [
        "[asmctl version 0.3.0]",
        "Using Kubernetes context: cluster-x-admin",
        "To change the context, use the --context flag",
        "Validating enabled APIs",
        "OK",
        "Validating ingressgateway configuration",
        "OK",
        "Validating istio system",
        "OK",
        "Validating sample traffic",
        "Launching example services...",
        "Sent traffic to example service http code: 200",
        "verified mTLS configuration",
        "OK",
        "Validating issued certs",
        "OK",
    ]


def test_asmctl_leaves_no_namespace_behind(bench: Bench) -> None:
    """The testing workloads go with theirs."""
    bench.apply(*GUIDE)
    bench.settle()
    bench.run("asmctl", "validate", "--with-testing-workloads")
    bench.settle()
    with bench.cluster.lock:
        names = [made["metadata"]["name"] for made in bench.cluster.store.each("namespaces")]
    assert not [name for name in names if name.startswith("asmctl-validate-")]


def test_asmctl_fails_on_a_mesh_of_another_version(bench: Bench) -> None:
    """It names the workload, and what to do."""
    answer = bench.run("asmctl", "validate")
    assert answer.code == 1
    assert "could not validate istio system: Deployment istio-galley runs" in answer.errors
    assert "Please fix the issue and try to validate again" in answer.errors


def test_asmctl_fails_without_the_cluster_address(bench: Bench) -> None:
    """The ingress gateway wouldn't find Mesh CA."""
    bench.apply(*GUIDE, "values.nodeagent.env.GKE_CLUSTER_URL=")
    bench.settle()
    answer = bench.run("asmctl", "validate")
    assert "Missing configuration value GKE_CLUSTER_URL" in answer.out
    assert "found misconfiguration in Ingress Gateway pod." in answer.errors


def test_asmctl_needs_default_credentials(bench: Bench) -> None:
    """As Google's library says it."""
    assert "could not find default credentials" in bench.run("asmctl", "validate", credentials=False).errors
