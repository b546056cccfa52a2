"""Workloads that do not get on are named while the phase still waits, at a bounded price."""

from __future__ import annotations

from collections import Counter

import pytest

from steps.contract.options import Limits
from steps.contract.step import Waiting
from steps.phases.sidecars.flights.standstill import ASK_EVERY, ASKED_A_TURN
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, start

NO_LIMITS = Limits(workloads_at_once=0, pods_per_minute=0)


def _approve(cluster: PaperCluster) -> Rig[PaperCluster]:
    cluster.move_control_plane()
    rig = start(cluster, limits=NO_LIMITS)
    rig.approve("approve")
    return rig


def _wait(rig: Rig[PaperCluster]) -> Waiting:
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting), outcome
    rig.cluster.tick(outcome.retry_in)
    return outcome


def test_while_others_move_the_time_left_is_told_beside_the_one_that_stands_still(cluster: PaperCluster) -> None:
    """The estimate is of those that move."""
    cluster.add("Deployment", "shop", "front", 1)
    cluster.add("Deployment", "shop", "slow", 60, pace=1)
    cluster.add("Deployment", "shop", "web", 2).stuck = True
    rig = _approve(cluster)
    begun = cluster.now
    while (cluster.now - begun).total_seconds() < 100:
        outcome = _wait(rig)
    assert " left" in outcome.why
    assert "not known" not in outcome.why
    assert "shop/Deployment/web, " in outcome.why
    assert "no progress for " in outcome.why
    assert outcome.details[0].startswith("shop/Deployment/web: ")


def test_where_nothing_moves_nobody_knows_how_long(cluster: PaperCluster) -> None:
    """Neither in the sentence nor in the number."""
    cluster.add("Deployment", "shop", "web", 2).stuck = True
    rig = _approve(cluster)
    begun = cluster.now
    told = False
    while (cluster.now - begun).total_seconds() < 120:
        outcome = _wait(rig)
        told = told or "time left not known: waits for shop/Deployment/web, " in outcome.why
    assert told
    assert outcome.progress is not None
    assert outcome.progress.seconds_left is None


@pytest.mark.parametrize("stuck", [1, 40])
def test_events_are_read_within_bounds(cluster: PaperCluster, stuck: int) -> None:
    """A few workloads a turn, each of them seldom, and none while everything moves."""
    for number in range(stuck):
        cluster.add("Deployment", "shop", f"web{number:02}", 2).stuck = True
    rig = _approve(cluster)
    begun, asked, spans = cluster.now, Counter[str](), 0.0
    while spans < 200:
        before = cluster.requests["read events"]
        _wait(rig)
        more = cluster.requests["read events"] - before
        spans = (cluster.now - begun).total_seconds()
        assert more <= ASKED_A_TURN
        assert not more or spans > 50
        asked["all"] += more
    assert asked["all"] <= stuck * (1 + 150 / ASK_EVERY.total_seconds())
    assert asked["all"] >= min(stuck, 5)
