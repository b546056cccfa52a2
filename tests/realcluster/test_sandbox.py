"""`asm-upgrade sandbox --kubeconfig` on a real control plane that has nothing: neither nodes nor a mesh."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.attached.access import read_access
from sandbox.attached.api import Api
from sandbox.attached.reach import check_reach
from steps.mesh import Pod
from tests.contracts.ground import open_gateway
from tests.realcluster.control_plane import ControlPlane, run_control_plane
from tests.realcluster.programs import find_free_ports

pytestmark = [pytest.mark.realcluster, pytest.mark.slow, pytest.mark.timeout(400)]
TARGET = "1.4.10-asm.18"
LIMIT = 300
SERVERS_OWN = {"default", "kube-node-lease", "kube-public", "kube-system"}


@dataclass(frozen=True)
class Visited:
    """What one run of the sandbox printed, and the cluster that it left."""

    code: int
    lines: list[str]
    plane: ControlPlane

    def list_pods(self) -> list[Pod]:
        """Every pod that is not on its way out."""
        with ExitStack() as stack:
            return [pod for pod in open_gateway(self.plane.kubeconfig, stack).list_pods() if not pod.terminating]


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Start a control plane without a fleet."""
    programs = request.config.getoption("control_plane")
    if programs is None:
        pytest.skip("the sandbox's whole upgrade needs --control-plane FOLDER: a given cluster is not taken over")
    with run_control_plane(Path(programs), tmp_path_factory.mktemp("given"), fleet=None) as built:
        yield built


def write_command(plane: ControlPlane, *options: str) -> list[str]:
    return [sys.executable, "-m", "bot.app.cli", "sandbox", "--kubeconfig", str(plane.kubeconfig), "--yes", *options]


def run_sandbox(plane: ControlPlane, *options: str) -> Visited:
    """Run the command to its end."""
    command = write_command(plane, *options)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    return Visited(ended.returncode, ended.stdout.splitlines(), plane)


@pytest.fixture(scope="module")
def visited(plane: ControlPlane) -> Visited:
    """Upgrade the demo once; the tests look at what was printed and left."""
    return run_sandbox(plane, "--auto-approve", "--exit")


def list_namespaces(plane: ControlPlane) -> set[str]:
    """The namespaces there are."""
    return {found["metadata"]["name"] for found in plane.http.get("/api/v1/namespaces").json()["items"]}


def test_a_webhook_out_of_reach_is_told_before_anything_is_seeded(plane: ControlPlane) -> None:
    """With the API server's own reason, and what to do."""
    base = f"https://127.0.0.1:{find_free_ports(1)[0]}"

    async def probe() -> None:
        async with Api(read_access(plane.kubeconfig)) as api:
            await check_reach(api, base, plane.certificate.ca_pem)

    with pytest.raises(ValueError, match=r"(?s)does not reach.*connection refused.*--webhook-address"):
        asyncio.run(probe())
    assert list_namespaces(plane) == SERVERS_OWN
    registrations = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    assert plane.http.get(registrations).json()["items"] == []


def test_ctrl_c_while_seeding_tells_what_is_left(plane: ControlPlane) -> None:
    """At once; the next start completes it."""
    with subprocess.Popen(write_command(plane), stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        assert any(line.startswith("Seeding") for line in sandbox.stdout)
        while "istio-system" not in list_namespaces(plane):
            time.sleep(0.1)
        sandbox.send_signal(signal.SIGINT)
        rest = sandbox.stdout.read()
    assert (sandbox.returncode, "--remove" in rest) == (1, True)


def test_the_sandbox_upgrades_a_demo_on_the_cluster_it_was_given(visited: Visited) -> None:
    """From what was begun, or nothing, to an upgraded mesh, every pod accounted for."""
    assert visited.code == 0, "\n".join(visited.lines)
    assert visited.lines[-2:-1] == ["upgraded cluster-x: 1.4.7-asm.0 → 1.4.10-asm.18, 56/58 pods, 2 manual"]


def test_the_way_out_is_told(visited: Visited) -> None:
    """The demo stays, and the last line says how to take it out."""
    assert visited.lines[-1].endswith(f"--kubeconfig {visited.plane.kubeconfig} --remove")


def test_the_demos_pods_run_on_nodes_of_its_own(visited: Visited) -> None:
    """Nobody's machine runs any of them."""
    assert {pod.node.rpartition("-")[0] for pod in visited.list_pods()} == {"asm-upgrade-sandbox"}


def test_every_owned_pod_of_the_demo_runs_the_new_sidecar(visited: Visited) -> None:
    """What stays old is the Job and the bare pod."""
    old = {pod.namespace for pod in visited.list_pods() if pod.proxy_image and TARGET not in pod.proxy_image}
    assert old == {"batch"}


def test_the_demo_is_taken_out_without_a_trace(visited: Visited) -> None:
    """Only what every API server has is left."""
    removed = run_sandbox(visited.plane, "--remove")
    assert removed.code == 0, "\n".join(removed.lines)
    assert list_namespaces(visited.plane) == SERVERS_OWN
    for path in ("/api/v1/nodes", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"):
        assert visited.plane.http.get(path).json()["items"] == []
