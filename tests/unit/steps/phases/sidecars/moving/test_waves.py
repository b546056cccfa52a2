import dataclasses

import pytest

from steps.contract.options import Limits
from steps.contract.step import Blocked, Done, Waiting
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, later, start


class PaperProbes:
    """Probes whose answers are set by the test."""

    def __init__(self) -> None:
        self.fault = ""
        self.number: float | None = 0.0

    def check_address(self, url: str) -> str:
        return self.fault

    def query_metric(self, prometheus_url: str, expression: str) -> float | None:
        return self.number


def two_waves(cluster: PaperCluster, **options: object) -> Rig[PaperCluster]:
    """Approved: one workload in each of two namespaces."""
    cluster.add("Deployment", "a", "web", 2)
    cluster.add("Deployment", "b", "web", 3)
    cluster.move_control_plane()
    rig = start(cluster, **options)
    rig.approve("approve")
    return rig


def restarted(cluster: PaperCluster) -> list[str]:
    """The namespaces restarted so far."""
    return [ref.namespace for ref, _ in cluster.restarts]


def test_a_soak_keeps_waves_apart(cluster: PaperCluster) -> None:
    """The second namespace is not touched while the first one soaks."""
    rig = two_waves(cluster, limits=Limits(soak_seconds=600))
    for _ in range(20):
        rig.turn("restart")
        cluster.tick()
    assert restarted(cluster) == ["a"]


def test_the_next_wave_goes_after_the_soak(cluster: PaperCluster) -> None:
    """A soak that is over lets the phase go on by itself."""
    rig = two_waves(cluster, limits=Limits(soak_seconds=600))
    assert isinstance(rig.run("restart"), Done)
    assert restarted(cluster) == ["a", "b"]


def test_a_soak_says_how_long_it_lasts(cluster: PaperCluster) -> None:
    """The waiting sentence names the wave and the seconds left."""
    rig = two_waves(cluster, limits=Limits(soak_seconds=600))
    rig.run("restart")
    assert any(wait.why == "wave a soaks, 10 min left" for wait in rig.waits)


def test_a_failing_probe_pauses_after_the_wave(cluster: PaperCluster) -> None:
    """A breach blocks before the next wave, with going on as a choice that needs a reason."""
    probes = PaperProbes()
    rig = two_waves(cluster, probe_urls=("https://shop.example.com/healthz",))
    rig.probes, probes.fault = probes, "answered 503"
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert outcome.why == "after wave a https://shop.example.com/healthz answered 503"
    assert [(choice.id, choice.needs_reason) for choice in outcome.choices] == [("accept", True)]


def test_a_metric_over_its_limit_pauses_after_the_wave(cluster: PaperCluster) -> None:
    """A PromQL limit is a breach once it is passed."""
    probes = PaperProbes()
    rig = two_waves(cluster, promql_limits=(("errors", 0.01),))
    rig.probes, probes.number = probes, 0.5
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert outcome.why == "after wave a errors is 0.5, over its limit of 0.01"


def test_a_metric_without_a_value_is_a_breach(cluster: PaperCluster) -> None:
    """A query that finds nothing proves nothing."""
    probes = PaperProbes()
    rig = two_waves(cluster, promql_limits=(("errors", 0.01),))
    rig.probes, probes.number = probes, None
    assert isinstance(rig.run("restart"), Blocked)


def test_an_accepted_breach_lets_that_wave_go_on(cluster: PaperCluster) -> None:
    """The acceptance holds for the wave it was given for, and the next breach asks again."""
    probes = PaperProbes()
    rig = two_waves(cluster, probe_urls=("https://shop.example.com/healthz",))
    rig.probes, probes.fault = probes, "answered 503"
    rig.decide(rig.run("restart"), "accept", "known outage of the probe")
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith("after wave b")


def test_a_retry_after_a_breach_watches_the_whole_soak_anew(cluster: PaperCluster) -> None:
    """What was over before the breach does not count after it."""
    probes = PaperProbes()
    limits = Limits(soak_seconds=600)
    rig = two_waves(cluster, limits=limits, probe_urls=("https://shop.example.com/healthz",))
    rig.probes = probes
    while not any("soaks" in wait.why for wait in rig.waits):
        outcome = rig.turn("restart")
        assert isinstance(outcome, Waiting)
        rig.waits.append(outcome)
        cluster.tick()
    later(cluster, 9)
    probes.fault = "answered 503"
    assert isinstance(rig.turn("restart"), Blocked)
    probes.fault = ""
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    assert outcome.why == "wave a soaks, 10 min left"


def soak_for(rig: Rig[PaperCluster], minutes: int) -> Waiting:
    """Turn until the first wave has soaked for about so long."""
    while True:
        outcome = rig.turn("restart")
        assert isinstance(outcome, Waiting)
        if outcome.why == f"wave a soaks, {10 - minutes} min left":
            return outcome
        rig.cluster.tick(outcome.retry_in)


@pytest.mark.weather("clock set forward or back by an hour")
def test_a_clock_set_forward_shortens_no_soak(cluster: PaperCluster) -> None:
    """An hour that nobody saw is no hour of watching."""
    rig = two_waves(cluster, limits=Limits(soak_seconds=600))
    soak_for(rig, 2)
    later(cluster, 60)
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    assert outcome.why == "wave a soaks, 8 min left"
    assert restarted(cluster) == ["a"]


def test_a_clock_set_back_lengthens_no_soak(cluster: PaperCluster) -> None:
    """What was watched counts."""
    rig = two_waves(cluster, limits=Limits(soak_seconds=600))
    soak_for(rig, 2)
    later(cluster, -60)
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    assert outcome.why == "wave a soaks, 8 min left"


def test_no_more_workloads_move_at_once_than_allowed(cluster: PaperCluster) -> None:
    """The limit holds in every turn."""
    for number in range(12):
        cluster.add("Deployment", "shop", f"web{number}", 4, pace=1)
    cluster.move_control_plane()
    rig = start(cluster, limits=Limits(workloads_at_once=3, pods_per_minute=0))
    rig.approve("approve")
    rig.run("restart")
    assert max(sum("/" in line for line in wait.details) for wait in rig.waits) == 3


def test_without_limits_everything_moves_at_once(cluster: PaperCluster) -> None:
    """After the first pod was checked, 20 calls a turn are the only limit."""
    for number in range(50):
        cluster.add("Deployment", "shop", f"web{number}", 2)
    cluster.move_control_plane()
    rig = start(cluster, limits=Limits(workloads_at_once=0, pods_per_minute=0))
    rig.approve("approve")
    while len(cluster.restarts) < 50:
        before = len(cluster.restarts)
        outcome = rig.turn("restart")
        assert isinstance(outcome, Waiting)
        assert len(cluster.restarts) - before <= 20
        cluster.tick(outcome.retry_in)
    assert len(rig.waits) == 0


def test_the_pace_stays_at_its_limit(cluster: PaperCluster) -> None:
    """With the default limits 90 to 105 % of the configured pods a minute are set in motion."""
    for number in range(40):
        cluster.add("Deployment", "shop", f"web{number:02}", 50, pace=10)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.approve("approve")
    begun = cluster.now
    assert isinstance(rig.run("restart", turns=2000), Done)
    pace = 2000 / ((cluster.now - begun).total_seconds() / 60)
    assert 0.9 <= pace / Limits().pods_per_minute <= 1.05


def test_smaller_waves_go_first(cluster: PaperCluster) -> None:
    """What breaks shall break where it hurts least."""
    cluster.add("Deployment", "large", "web", 9)
    cluster.add("Deployment", "small", "web", 2)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.approve("approve")
    rig.run("restart")
    assert restarted(cluster) == ["small", "large"]


def test_each_wave_is_told_once_it_is_done(cluster: PaperCluster) -> None:
    """The thread gets one sentence a wave."""
    rig = two_waves(cluster)
    rig.run("restart")
    done = [line for line in rig.said if line.startswith("wave")]
    assert done == ["wave a done: 2 pods on 1.4.10-asm.18", "wave b done: 3 pods on 1.4.10-asm.18"]


def test_held_workloads_do_not_starve_the_others(cluster: PaperCluster) -> None:
    """Slots are for workloads that can move."""
    for number in range(10):
        stuck = cluster.add("Deployment", "shop", f"a{number}", 2)
        stuck.stuck = True
        stuck.revision += 1
        cluster.change(stuck.ref, generation=2)
    cluster.add("Deployment", "shop", "z", 3)
    cluster.move_control_plane()
    limits = dataclasses.replace(Limits(), workloads_at_once=1)
    rig = start(cluster, limits=limits)
    rig.approve("approve")
    for _ in range(20):
        rig.turn("restart")
    assert [ref.name for ref, _ in cluster.restarts] == ["z"]


def test_the_first_restarted_pod_is_in_service_before_others_go(cluster: PaperCluster) -> None:
    """That it has the new sidecar is not enough: it may crash with it, or wait for a load balancer."""
    rig = two_waves(cluster, limits=Limits(workloads_at_once=0))
    for controller in cluster.controllers.values():
        controller.stuck = True
    for _ in range(20):
        rig.turn("restart")
        cluster.tick()
    assert restarted(cluster) == ["a"]
    assert not any(said.startswith("first restarted pod checked") for said in rig.said)
    for controller in cluster.controllers.values():
        controller.stuck = False
    assert isinstance(rig.run("restart"), Done)
    assert [said for said in rig.said if said.startswith("first restarted pod checked: a/web")]
