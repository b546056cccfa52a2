import dataclasses

import pytest

from steps.contract.errors import GiveUp
from steps.contract.step import Done, Waiting
from steps.mesh import WorkloadRef
from tests.unit.steps.paper_cluster import HUB, OLD, PaperCluster
from tests.unit.steps.rig import Rig, later, start

NEW = "1.4.10-asm.18"
PILOT = WorkloadRef("istio-system", "Deployment", "istio-pilot")


def approved(cluster: PaperCluster) -> Rig[PaperCluster]:
    """A planned and approved phase."""
    cluster.move_control_plane()
    rig = start(cluster)
    rig.approve("approve")
    return rig


def test_a_control_plane_that_was_put_back_stops_the_phase(cluster: PaperCluster) -> None:
    """The injector is right and pilot is not: nothing more is restarted."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    cluster.change(PILOT, images={"discovery": f"{HUB}/pilot:{OLD}"})
    with pytest.raises(GiveUp, match=r"control plane is not on 1\.4\.10-asm\.18: istio-pilot is on .*1\.4\.7"):
        rig.run("restart")
    assert cluster.restarts == []


def test_the_control_plane_is_looked_at_again_later(cluster: PaperCluster) -> None:
    """Not before each batch, but within a minute."""
    cluster.add("Deployment", "shop", "first", 1)
    cluster.add("StatefulSet", "shop", "later", 3)
    rig = approved(cluster)
    while not any("first restarted pod checked" in said for said in rig.said):
        rig.turn("restart")
        cluster.tick(1)
    later(cluster, 1)
    cluster.change(PILOT, images={"discovery": f"{HUB}/pilot:{OLD}"})
    with pytest.raises(GiveUp, match="control plane is not on"):
        rig.run("restart")


def test_a_control_plane_that_still_rolls_out_is_waited_for(cluster: PaperCluster) -> None:
    """On its images and not ready yet: the first restart waits."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    healthy = cluster.list_workloads
    cluster.list_workloads = lambda *asked: tuple(  # type: ignore[method-assign]
        dataclasses.replace(one, available=0) if one.ref == PILOT else one for one in healthy(*asked)
    )
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    assert "nothing is restarted while control plane not settled: istio-pilot" in outcome.why
    assert cluster.restarts == []
    cluster.list_workloads = healthy  # type: ignore[method-assign]
    assert isinstance(rig.run("restart"), Done)


def test_a_pod_that_was_on_the_target_before_does_not_pass_for_the_first_restarted(cluster: PaperCluster) -> None:
    """A pod that the injector made by itself says nothing about the restart."""
    web = cluster.add("Deployment", "shop", "web", 2)
    cluster.add("Deployment", "shop", "other", 3)
    cluster.move_control_plane()
    uid = next(uid for uid, one in cluster.pods.items() if one.name.startswith("web"))
    cluster.pods[uid] = dataclasses.replace(cluster.pods[uid], proxy_image=f"{HUB}/proxyv2:{NEW}")
    rig = start(cluster)
    rig.approve("approve")
    rig.turn("restart")
    rig.turn("restart")
    assert [ref for ref, _ in cluster.restarts] == [web.ref]
    assert not any("checked" in said for said in rig.said)
