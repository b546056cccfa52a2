"""One whole upgrade of cluster-x on a real control plane and the way back, through Slack."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.journal.rows import UpgradeRow
from steps.contract.ledger import EntryState
from steps.mesh import Binding, Pod
from tests.contracts.ground import open_gateway
from tests.realcluster.control_plane import ControlPlane, run_control_plane
from tests.realcluster.world import open_real_world, seed_real_cluster
from tests.scenarios.records import list_thread
from tests.scenarios.rig import ANA, BEN, Rig

pytestmark = [
    pytest.mark.realcluster,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
OLD, TARGET = "1.4.7-asm.0", "1.4.10-asm.18"


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Start a control plane of this module's own, for the upgrade changes all of it."""
    programs = request.config.getoption("control_plane")
    if programs is None:
        pytest.skip("the whole upgrade needs --control-plane FOLDER: a given cluster is not taken over")
    with run_control_plane(Path(programs), tmp_path_factory.mktemp("upgrade")) as built:
        seed_real_cluster(built)
        yield built


@dataclass(frozen=True)
class Sight:
    """What an upgrade or a way back left: its row and ledger, the cluster's pods and the bot's bindings."""

    row: UpgradeRow
    ledger: Mapping[EntryState, int]
    pods: tuple[Pod, ...]
    bindings: tuple[Binding | None, ...]

    @property
    def plane(self) -> set[str]:
        """The tags that run in istio-system, of images of both releases."""
        images = {image for pod in self.pods if pod.namespace == "istio-system" for image in pod.images}
        return {tag for image in images if (tag := image.rpartition(":")[2]) in (OLD, TARGET)}

    def list_namespaces_on(self, version: str) -> set[str]:
        """The namespaces in which a sidecar of this version runs."""
        return {pod.namespace for pod in self.pods if pod.proxy_image.endswith(f":{version}")}


@dataclass(frozen=True)
class Story:
    """cluster-x before, upgraded, and taken back; and what the threads say."""

    upgraded: Sight
    back: Sight
    told: tuple[str, ...]


def look(rig: Rig, plane: ControlPlane, upgrade: str) -> Sight:
    """What stands there now."""
    row = rig.bot.journal.find_upgrade(upgrade)
    assert row is not None, rig.describe()
    with ExitStack() as stack:
        gateway = open_gateway(plane.kubeconfig, stack)
        names = ("cluster-admin-binding", "cluster-admin-binding-asm-upgrade-bot")
        pods = tuple(pod for pod in gateway.list_pods() if not pod.terminating)
        bindings = tuple(gateway.read_binding(name) for name in names)
        return Sight(row, rig.bot.journal.count_ledger(upgrade), pods, bindings)


@pytest.fixture(scope="module")
def story(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Upgrade cluster-x and take it back by one person's word; the tests only look at what was left each time."""
    with pytest.MonkeyPatch.context() as variables, open_real_world(tmp_path_factory.mktemp("world"), plane) as world:
        variables.setenv("PATH", os.environ["PATH"])
        rig, sights = Rig(world), []
        for number, words in enumerate(("start cluster-x", "rollback cluster-x the new proxies leak"), 1):
            rig.command(ANA, words)
            rig.upgrade_all(BEN)
            sights.append(look(rig, plane, f"cluster-x-{number}"))
        rig.deliver(60)
        told = tuple(text.replace("&gt;", ">") for _, text in list_thread(world))
        upgraded, back = sights
        yield Story(upgraded, back, told)
        rig.crash()


def test_the_upgrade_ends_with_a_sum_that_adds_up(story: Story) -> None:
    """The last sentence names both versions and every pod."""
    assert story.upgraded.row.state == "upgraded"
    assert story.upgraded.ledger == {"upgraded": 56, "manual": 2}
    assert story.upgraded.row.sentence == "upgraded cluster-x: 1.4.7-asm.0 → 1.4.10-asm.18, 56/58 pods, 2 manual"


def test_every_owned_pod_runs_the_new_sidecar(story: Story) -> None:
    """What stays old is the Job and the bare pod."""
    assert story.upgraded.list_namespaces_on(OLD) == {"batch"}


def test_the_control_plane_runs_the_release(story: Story) -> None:
    """No image of the old release is left in istio-system."""
    assert story.upgraded.plane == {TARGET}


def test_the_bots_binding_is_gone(story: Story) -> None:
    """It gave itself rights by approval and gives them back, each time."""
    assert {*story.upgraded.bindings, *story.back.bindings} == {None}


def test_the_way_back_ends_where_the_upgrade_began(story: Story) -> None:
    """Control plane and sidecars are of the earlier release; what never moved is counted."""
    assert (story.back.row.state, story.back.row.takes_back) == ("returned", "cluster-x-1")
    assert story.back.plane == {OLD}
    assert story.back.list_namespaces_on(TARGET) == set()
    assert story.back.ledger == {"upgraded": 58}
    assert story.back.row.sentence == (
        "cluster-x is back on 1.4.7-asm.0 (from 1.4.10-asm.18), 58/58 pods, 0 manual; cluster-x-1 is taken back"
    )


def test_one_persons_word_took_it_back(story: Story) -> None:
    """Nothing was asked but about the policies that were edited; what the API server writes counts for nothing."""
    assert story.back.row.requester == ANA
    assert not [line for line in story.told if "would be set back" in line]
