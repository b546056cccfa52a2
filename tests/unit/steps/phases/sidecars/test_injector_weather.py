"""An injector, or a control plane, that is old, away, changed or slow."""

from __future__ import annotations

import dataclasses

import pytest

from steps.contract.errors import GiveUp
from steps.contract.step import Blocked, Done, Waiting
from tests.unit.steps.paper_cluster import HUB, OLD, WEBHOOK, PaperCluster
from tests.unit.steps.phases.sidecars.paper_phase import WEB, approved
from tests.unit.steps.rig import Rig, later


def test_nothing_is_planned_while_the_control_plane_is_old(cluster: PaperCluster) -> None:
    """A control plane that is not on the target stops the phase before anything else."""
    cluster.add("Deployment", "shop", "web")
    rig = Rig(cluster)
    with pytest.raises(GiveUp, match=r"not 1\.4\.10-asm\.18"):
        rig.turn("plan")


def test_nothing_is_restarted_while_the_injector_is_down(cluster: PaperCluster) -> None:
    """Without a ready endpoint of the injector the phase waits and says why."""
    cluster.add("Deployment", "shop", "web")
    rig = approved(cluster)
    cluster.endpoints = 0
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    assert "nothing is restarted while the injector has no ready endpoint" in outcome.why
    assert not cluster.restarts


def test_an_injector_back_up_lets_the_phase_end(cluster: PaperCluster) -> None:
    """The phase goes on by itself once the webhook has its CA bundle again."""
    cluster.add("Deployment", "shop", "web", 3)
    rig = approved(cluster)
    cluster.webhook = dataclasses.replace(WEBHOOK, has_ca_bundle=False)
    rig.turn("restart")
    cluster.webhook = WEBHOOK
    assert isinstance(rig.run("restart"), Done)


def test_a_changed_injector_stops_the_phase(cluster: PaperCluster) -> None:
    """A ConfigMap that names another version ends in a sentence that says so."""
    cluster.add("Deployment", "shop", "web")
    rig = approved(cluster)
    cluster.tag = OLD
    with pytest.raises(GiveUp, match="the injector injects"):
        rig.turn("restart")


def test_a_pod_with_another_sidecar_stops_the_phase(cluster: PaperCluster) -> None:
    """The first restarted pod is looked at, and a wrong one lets nothing more restart."""
    cluster.add("Deployment", "shop", "a", 1)
    cluster.add("Deployment", "shop", "b", 2)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.tag = "1.4.9-asm.1"
    cluster.tick()
    outcome = rig.turn("restart")
    assert isinstance(outcome, Blocked)
    assert "the injector gave shop/a-" in outcome.why
    assert len(cluster.restarts) == 1


def test_a_retry_restarts_what_the_wrong_injector_made(cluster: PaperCluster) -> None:
    """Once the injector is mended, retry gives the wrongly made pods the right sidecar."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.tag = "1.4.9-asm.1"
    cluster.tick()
    rig.turn("restart")
    cluster.tag = cluster.release.version
    assert isinstance(rig.run("restart"), Done)
    assert cluster.versions_of(WEB) == [cluster.release.version] * 2


def test_only_one_workload_moves_until_the_first_pod_is_checked(cluster: PaperCluster) -> None:
    """The smallest workload goes alone, however many may move at once."""
    for name in ("a", "b", "c"):
        cluster.add("Deployment", "shop", name, 3 if name != "b" else 1)
    rig = approved(cluster)
    rig.turn("restart")
    rig.turn("restart")
    assert [ref.name for ref, _ in cluster.restarts] == ["b"]


def test_only_one_pod_is_evicted_until_it_is_checked(cluster: PaperCluster) -> None:
    """Of a workload that is evicted, one pod goes first."""
    cluster.add("ReplicaSet", "batch", "lone", 40)
    rig = approved(cluster)
    for _ in range(3):
        rig.turn("restart")
    assert len(cluster.evictions) == 1


def test_an_injector_that_stays_away_is_told(cluster: PaperCluster) -> None:
    """Waiting for it ends with a workload's patience."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    cluster.endpoints = 0
    assert isinstance(rig.turn("restart"), Waiting)
    later(cluster, 11)
    with pytest.raises(GiveUp, match="nothing could be restarted for 11 min: the injector has no ready endpoint"):
        rig.turn("restart")


def test_a_control_plane_that_gets_on_holds_the_sidecars_without_a_stop(cluster: PaperCluster) -> None:
    """One more node has its agent at each look; where that stands still, a person is asked."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    agent = cluster.add(
        "DaemonSet",
        "istio-system",
        "istio-nodeagent",
        40,
        images={"main": f"{HUB}/x:{cluster.release.version}"},
        pace=1,
    )
    agent.revision += 1
    for _ in range(30):
        later(cluster, 1)
        assert isinstance(rig.turn("restart"), Waiting)
        cluster.tick(1)
    rig.turn("restart")
    later(cluster, 11)
    with pytest.raises(GiveUp, match="nothing could be restarted for 11 min: control plane not settled"):
        rig.turn("restart")


def test_pods_refused_by_an_absent_injector_are_waited_for(cluster: PaperCluster) -> None:
    """Its return lets the controller create them; that takes no person."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.change(WEB, failure='FailedCreate: failed calling webhook "sidecar-injector.istio.io"')
    for _ in range(60):
        assert isinstance(rig.turn("restart"), Waiting)
        cluster.tick(2)
    cluster.change(WEB, failure="")
    assert isinstance(rig.run("restart"), Done)
