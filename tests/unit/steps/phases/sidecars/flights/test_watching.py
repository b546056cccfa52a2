"""The canary is watched before the rest is asked about, and the next card shows what was seen."""

from __future__ import annotations

import dataclasses

import pytest

from steps.contract.errors import GiveUp, TryAgain
from steps.contract.options import UpgradeOptions
from steps.contract.step import Ask, Done
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, start

QUARTER = 900.0


class PaperPrometheus:
    """Answers by what stands in the expression; the first that is found counts."""

    def __init__(self, *answers: tuple[str, float | None], fault: Exception | None = None) -> None:
        self.answers = answers
        self.fault = fault
        self.asked: list[str] = []

    def check_address(self, url: str) -> str:
        return ""

    def query_metric(self, prometheus_url: str, expression: str) -> float | None:
        self.asked.append(expression)
        if self.fault:
            raise self.fault
        return next((number for part, number in self.answers if part in expression), None)


KNOWN = (("5..", 0.5), ("istio_requests_total", 100.0), ("istio_request_duration_bucket", 40.0))


def canary(cluster: PaperCluster, prometheus: PaperPrometheus | None = None, **options: object) -> Rig[PaperCluster]:
    """An approved canary of trial beside shop."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.add("Deployment", "trial", "web", 3)
    cluster.move_control_plane()
    known: dict[str, object] = {"canary_namespaces": ("trial",), "canary_soak_seconds": QUARTER, **options}
    if prometheus:
        known["prometheus_url"] = "http://prometheus.example.com"
    rig = start(cluster, **known)
    rig.probes = prometheus or rig.probes
    rig.approve("approve-canary")
    return rig


def watched(rig: Rig[PaperCluster]) -> list[str]:
    """What the card of the rest shows."""
    assert isinstance(rig.run("canary", turns=2000), Done)
    rig.decision = None
    asked = rig.turn("approve")
    assert isinstance(asked, Ask)
    return [text for name, text in asked.card.facts if name == "canary watched"]


def test_the_canary_is_watched_before_the_rest_is_asked_about(cluster: PaperCluster) -> None:
    """For a quarter of an hour, and nothing else is touched meanwhile."""
    rig, began = canary(cluster), cluster.now
    assert watched(rig)[0] == "3 of 3 pods ready, at no look of 15 min fewer than 3; 0 container restarts"
    assert (cluster.now - began).total_seconds() >= QUARTER
    assert {ref.namespace for ref, _ in cluster.restarts} == {"trial"}


def test_without_a_soak_nothing_is_watched(cluster: PaperCluster) -> None:
    """As in a sandbox, and in an upgrade that was started before there was one."""
    rig, began = canary(cluster, canary_soak_seconds=0.0), cluster.now
    assert watched(rig) == []
    assert (cluster.now - began).total_seconds() < 60
    assert UpgradeOptions().canary_soak_seconds == 0


def test_a_pod_that_falls_out_and_restarts_is_told(cluster: PaperCluster) -> None:
    """The fewest ready at any look, and the restarts of those that live."""
    rig = canary(cluster)
    hurt = False

    def hurt_once() -> None:
        nonlocal hurt
        soaking = any("soaks, 5" in wait.why for wait in rig.waits)
        for uid, pod in list(cluster.pods.items()):
            if pod.namespace == "trial" and soaking and not hurt:
                cluster.pods[uid] = dataclasses.replace(pod, ready=0, restarts=2)
                hurt = True
                cluster.change(next(ref for ref in cluster.controllers if ref.namespace == "trial"), paused=True)

    assert isinstance(rig.run("canary", turns=2000, between=hurt_once), Done)
    rig.decision = None
    asked = rig.turn("approve")
    assert isinstance(asked, Ask)
    facts = [text for name, text in asked.card.facts if name == "canary watched"]
    assert "2 container restarts" in facts[0]


def test_requests_are_shown_before_and_after(cluster: PaperCluster) -> None:
    """By the names of telemetry in the proxy."""
    prometheus = PaperPrometheus(*KNOWN)
    lines = watched(canary(cluster, prometheus))
    assert lines[1] == "5xx 0.5 % before, 0.5 % after; 99 % of requests within 40 ms before, 40 ms after"
    assert all('destination_workload_namespace=~"trial"' in asked for asked in prometheus.asked)
    assert len(prometheus.asked) == 6


def test_mixers_seconds_are_told_as_milliseconds(cluster: PaperCluster) -> None:
    """Where the proxy's own metric has no value."""
    lines = watched(canary(cluster, PaperPrometheus(*KNOWN[:2], ("duration_seconds", 0.25))))
    assert "99 % of requests within 250 ms before" in lines[1]


@pytest.mark.parametrize(
    ("prometheus", "told"),
    [
        (None, "5xx and latency not known: no prometheus_url is set for this cluster"),
        (PaperPrometheus(), "5xx and latency not known: Prometheus knows of no requests to them"),
        (PaperPrometheus(fault=TryAgain("it did not answer")), "5xx and latency not known: it did not answer"),
        (
            PaperPrometheus(fault=GiveUp("it is none", "mend")),
            "5xx and latency not known: it is none",
        ),
    ],
    ids=["no address", "no requests", "away", "something else"],
)
def test_what_is_not_known_is_told_and_stops_nothing(
    cluster: PaperCluster, prometheus: PaperPrometheus | None, told: str
) -> None:
    """A Prometheus that can't be asked is no reason to stop."""
    assert watched(canary(cluster, prometheus))[1] == told


def test_the_thread_is_told_what_was_watched(cluster: PaperCluster) -> None:
    """Also where an approval covers the rest without a card."""
    rig = canary(cluster)
    watched(rig)
    assert [line for line in rig.said if line.startswith("canary watched: 3 of 3 pods ready")]
