"""One whole upgrade of cluster-x on a real control plane, through Slack."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from steps.mesh import Pod
from tests.contracts.ground import open_gateway
from tests.realcluster.control_plane import ControlPlane, run_control_plane
from tests.realcluster.world import open_real_world, seed_real_cluster
from tests.scenarios.records import list_thread
from tests.scenarios.rig import ANA, BEN, Rig

pytestmark = [
    pytest.mark.realcluster,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TARGET = "1.4.10-asm.18"


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Start a control plane of this module's own, for the upgrade changes all of it."""
    programs = request.config.getoption("control_plane")
    if programs is None:
        pytest.skip("the whole upgrade needs --control-plane FOLDER: a given cluster is not taken over")
    with run_control_plane(Path(programs), tmp_path_factory.mktemp("upgrade")) as built:
        seed_real_cluster(built)
        yield built


@pytest.fixture(scope="module")
def upgraded(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Upgrade cluster-x; the tests only look at what is left."""
    with pytest.MonkeyPatch.context() as variables, open_real_world(tmp_path_factory.mktemp("world"), plane) as world:
        variables.setenv("PATH", os.environ["PATH"])
        rig = Rig(world)
        rig.command(ANA, "start cluster-x")
        rig.upgrade_all(BEN)
        rig.run_until(lambda: not rig.bot.outbox.list_unsent(rig.world.clock.now()), 60)
        yield rig
        rig.crash()


def list_pods(plane: ControlPlane) -> list[Pod]:
    with ExitStack() as stack:
        return [pod for pod in open_gateway(plane.kubeconfig, stack).list_pods() if not pod.terminating]


def test_the_upgrade_ends_with_a_sum_that_adds_up(upgraded: Rig) -> None:
    """The last milestone names both versions and every pod."""
    (row,) = upgraded.bot.journal.list_upgrades()
    assert row.state == "upgraded", upgraded.describe()
    counts = upgraded.bot.journal.count_ledger(row.id)
    assert counts == {"upgraded": 56, "manual": 2}
    told = [text.replace("&gt;", ">") for _, text in list_thread(upgraded.world)]
    assert "upgraded cluster-x: 1.4.7-asm.0 → 1.4.10-asm.18, 56/58 pods, 2 manual" in told


def test_every_owned_pod_runs_the_new_sidecar(upgraded: Rig, plane: ControlPlane) -> None:
    """What stays old is the Job and the bare pod."""
    old = {pod.namespace for pod in list_pods(plane) if pod.proxy_image and TARGET not in pod.proxy_image}
    assert old == {"batch"}


def test_the_control_plane_runs_the_release(upgraded: Rig, plane: ControlPlane) -> None:
    """No image of the old release is left in istio-system."""
    images = {image for pod in list_pods(plane) if pod.namespace == "istio-system" for image in pod.images}
    assert not [image for image in images if image.endswith(":1.4.7-asm.0")]


def test_the_bots_binding_is_gone(upgraded: Rig, plane: ControlPlane) -> None:
    """It gave itself rights by approval and gives them back."""
    with ExitStack() as stack:
        gateway = open_gateway(plane.kubeconfig, stack)
        assert gateway.read_binding("cluster-admin-binding") is None
        assert gateway.read_binding("cluster-admin-binding-asm-upgrade-bot") is None
