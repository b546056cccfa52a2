"""The contracts of istioctl and kubectl run on the sandbox's programs and, where given, on real ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate, write_kubeconfig
from sandbox.cluster.seeds.objects import namespace, rbac_defaults
from sandbox.release.archives import build_archive
from sandbox.release.programs import stand_in_kubectl
from sandbox.web.sites import serve_in_thread
from tests.contracts.istioctl.bench import GUIDE, REFUSED_TOKEN, TARGET, Bench, Programs, connect
from tests.realcluster.control_plane import BOT_TOKEN, BOT_USER, run_control_plane
from tests.skips import NO_ISTIOCTL
from tests.unit.sandbox.release.unpacking import unpack

SERVER_VERSION = "v1.20.2"


@pytest.fixture(scope="package", params=["sandbox", pytest.param("real", marks=pytest.mark.realcluster)])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A cluster on which the guide's flags were applied once, with the programs under contract."""
    folder = tmp_path_factory.mktemp("istioctl")
    with ExitStack() as stack:
        opened = open_real(request, folder, stack) if request.param == "real" else open_sandbox(folder, stack)
        opened.let_view(BOT_USER)
        assert "✔ Finished applying manifest for component Base." in opened.install(*GUIDE).out
        yield opened


def open_sandbox(folder: Path, stack: ExitStack) -> Bench:
    """The sandbox's programs and its cluster, empty."""
    cluster = SimulatedCluster(time.time, seed_fn=None, server_version=SERVER_VERSION)
    cluster.tokens.register(BOT_TOKEN, BOT_USER)
    cluster.faults.expired_tokens.add(REFUSED_TOKEN)
    certificate = ensure_certificate(folder / "tls")
    site = serve_in_thread(cluster.app(), certificate.server_context())
    stack.callback(site.stop)
    admin, viewer = folder / "admin.json", folder / "viewer.json"
    for path, token in ((admin, cluster.tokens.admin), (viewer, BOT_TOKEN)):
        write_kubeconfig(path, server=site.url, ca_base64=certificate.ca_base64, token=token)
    kubectl, old = (write_kubectl(folder / f"kubectl-{version}", version) for version in ("1.20.2", "1.18.20"))
    istioctl = unpack(build_archive(TARGET, "linux"), folder / "release") / "bin" / "istioctl"
    bench = Bench(Programs(istioctl, kubectl, old), admin, viewer, folder, connect(admin, stack))
    for made in (namespace("kube-system"), *rbac_defaults()):
        bench.api.create(made)
    return bench


def write_kubectl(path: Path, version: str) -> Path:
    """A stand-in kubectl of this version."""
    path.write_text(stand_in_kubectl(version))
    path.chmod(0o755)
    return path


def open_real(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Bench:
    """Real programs beside a control plane of their own."""
    istioctl = find_istioctl(request.config, folder)
    if istioctl is None:
        pytest.skip(NO_ISTIOCTL)
    if request.config.getoption("kubeconfig"):
        pytest.skip("the given cluster has no power 'istioctl'")
    programs = Path(request.config.getoption("control_plane"))
    old = programs / "kubectl"
    kubectl = Path(request.config.getoption("kubectl") or old).resolve()
    plane = stack.enter_context(run_control_plane(programs, folder, fleet=None))
    found = Programs(istioctl.resolve(), kubectl, old if old.exists() else kubectl)
    return Bench(found, plane.kubeconfig, plane.bot_kubeconfig, folder, connect(plane.kubeconfig, stack))


def find_istioctl(config: pytest.Config, folder: Path) -> Path | None:
    """The istioctl that was given, by itself or in the archive of a release."""
    archive = config.getoption("release_archive")
    if archive is not None:
        return unpack(Path(archive).read_bytes(), folder / "given") / "bin" / "istioctl"
    istioctl = config.getoption("istioctl")
    return Path(istioctl) if istioctl is not None else None
