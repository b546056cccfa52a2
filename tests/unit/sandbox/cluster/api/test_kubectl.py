"""A real kubectl, where one is installed, works against the simulated cluster."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.clock import SimulatedClock
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ServingCertificate, write_kubeconfig
from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.seeds.cluster_x import create_any
from sandbox.cluster.seeds.objects import namespace, node, rbac_defaults
from sandbox.cluster.server.authorization import BOT_ACCOUNT
from sandbox.cluster.simulation import SERVER_VERSION
from sandbox.web.sites import serve_in_thread
from tests.skips import NO_KUBECTL
from tests.unit.sandbox.cluster.yard import EVEN, budget, workload

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
# kubectl waits in real time, so here the clock runs, fifty times as fast.
SPEED = 50.0
AHEAD = 86_400.0
CREATED = "jsonpath={.metadata.creationTimestamp}"
FOLDERS = "/usr/lib/google-cloud-sdk/bin"


def find_kubectl() -> str | None:
    """Return a kubectl: a fixed version where the cloud SDK has several, else that of the PATH."""
    fixed = sorted(Path(FOLDERS).glob("kubectl.1.*"))
    return str(fixed[-1]) if fixed else shutil.which("kubectl")


pytestmark = pytest.mark.skipif(find_kubectl() is None, reason=NO_KUBECTL)


@pytest.fixture(scope="module")
def kubeconfigs(certificate: ServingCertificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A served cluster with a mesh; kubeconfigs of the administrator and of the bot's account."""
    clock = SimulatedClock(SPEED, time.time() + AHEAD)
    cluster = SimulatedCluster(clock.now, seed_fn=None, pace=EVEN, lead=clock.lead)
    first = [*rbac_defaults(), *(node(number, SERVER_VERSION) for number in (1, 2, 3)), namespace("shop")]
    for obj in [*first, *render_mesh("1.4.7-asm.0", {}), workload("Deployment", "web", replicas=3), budget("web")]:
        create_any(cluster, obj)
    site = serve_in_thread(cluster.app(), certificate.server_context())
    folder = tmp_path_factory.mktemp("kubectl")
    paths = {}
    for user, token in (("admin", cluster.tokens.admin), ("bot", "ya29.token")):
        paths[user] = folder / user
        write_kubeconfig(paths[user], server=site.url, ca_base64=certificate.ca_base64, token=token, user=user)
    yield paths
    site.stop()


@pytest.fixture
def kubectl(kubeconfigs: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest) -> Kubectl:
    """Run kubectl, that of --kubectl where one is given, in the namespace shop."""
    program = str(request.config.getoption("kubectl") or find_kubectl())

    def run(*arguments: str, user: str = "admin", stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [program, f"--kubeconfig={kubeconfigs[user]}", f"--cache-dir={tmp_path}", "-n", "shop"]
        return subprocess.run(
            [*command, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_get_prints_the_columns_of_the_guide(kubectl: Kubectl) -> None:
    """READY, STATUS, RESTARTS and AGE come from the server."""
    kubectl("wait", "--for=condition=available", "deployment", "--all", "-n", "istio-system", "--timeout=30s")
    lines = kubectl("get", "pod", "-n", "istio-system").stdout.splitlines()
    assert lines[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert any(line.startswith("istio-galley-") and line.split()[1:3] == ["2/2", "Running"] for line in lines)


def test_short_names_are_known(kubectl: Kubectl) -> None:
    """deploy, po, ds and pdb are understood."""
    assert kubectl("get", "deploy,po,ds,pdb,hpa,sts,cj").returncode == 0


def test_rollout_restart_and_status(kubectl: Kubectl) -> None:
    """The guide's restart is seen to its end."""
    assert kubectl("rollout", "restart", "deployment/web").returncode == 0
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web").stdout


def test_apply_is_idempotent(kubectl: Kubectl) -> None:
    """Plain apply, with its validation, creates, then finds nothing to do."""
    manifest = json.dumps(workload("Deployment", "applied"))
    assert "created" in kubectl("apply", "-f", "-", stdin=manifest).stdout
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=manifest).stdout
    assert "deleted" in kubectl("delete", "-f", "-", stdin=manifest).stdout


def test_apply_of_the_mesh(kubectl: Kubectl) -> None:
    """The manifests of a release can be applied as istioctl does it."""
    manifest = "\n".join(f"---\n{json.dumps(obj)}" for obj in render_mesh("1.4.10-asm.18", {}))
    done = kubectl("apply", "--force", "-f", "-", "-n", "istio-system", stdin=manifest)
    assert done.returncode == 0, done.stderr
    again = kubectl("apply", "--force", "-f", "-", "-n", "istio-system", stdin=manifest)
    assert "deployment.apps/istio-pilot unchanged" in again.stdout


def test_the_guides_binding(kubectl: Kubectl) -> None:
    """A viewer makes the guide's cluster-admin-binding and may do everything afterwards."""
    everything = ("auth", "can-i", "*", "*", "--all-namespaces")
    assert kubectl(*everything, user="bot").stdout.strip() == "no"
    binding = ("create", "clusterrolebinding", "cluster-admin-binding", "--clusterrole=cluster-admin")
    assert kubectl(*binding, f"--user={BOT_ACCOUNT}", user="bot").returncode == 0
    assert kubectl(*everything, user="bot").stdout.strip() == "yes"
    assert "already exists" in kubectl(*binding, f"--user={BOT_ACCOUNT}", user="bot").stderr


def test_describe(kubectl: Kubectl) -> None:
    """describe shows conditions and events."""
    assert "ScalingReplicaSet" in kubectl("describe", "deployment", "web").stdout


@pytest.mark.parametrize("kind", ["deployment", "pod", "node", "event", "replicaset", "pdb", "namespace"])
def test_no_age_lies_ahead(kubectl: Kubectl, kind: str) -> None:
    """A cluster whose clock is a day ahead of kubectl's shows the ages that it has, whichever way they are asked."""
    for asked in (["get", kind, "-A"], ["describe", kind, "-A"], ["get", kind, "-A", "-o", "wide"]):
        shown = kubectl(*asked)
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout
        assert "<invalid>" not in shown.stdout


def test_ages_are_the_clusters_own(kubectl: Kubectl) -> None:
    """get and describe agree, to what passes between them."""
    kubectl("create", "configmap", "first")
    age = kubectl("get", "configmap", "first").stdout.splitlines()[1].split()[-1]
    assert age.endswith("s")
    seen = datetime.fromisoformat(kubectl("get", "configmap", "first", "-o", CREATED).stdout)
    assert timedelta() <= datetime.now(UTC) - seen < timedelta(hours=1)


def test_drain_dry_run(kubectl: Kubectl) -> None:
    """drain finds the eviction subresource of the server's version."""
    name = kubectl("get", "pod", "-l", "app=web", "-o", "jsonpath={.items[0].spec.nodeName}").stdout
    drained = kubectl(
        "drain", name, "--dry-run=server", "--ignore-daemonsets", "--delete-emptydir-data", "--force",
        "--pod-selector=app=web",
    )  # fmt: skip
    assert "evicting pod shop/web-" in drained.stdout + drained.stderr
