"""The window closes while sidecars move: what is in flight lands, nothing new begins, and later it goes on."""

from __future__ import annotations

import pytest

from steps.contract.options import Limits
from steps.contract.step import Ask, Done, Waiting
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, start

CLOSED = "the window is closed"


@pytest.fixture
def rig(cluster: PaperCluster) -> Rig[PaperCluster]:
    """Six workloads of which two at once move, a canary among them."""
    for number in range(6):
        cluster.add("Deployment", "canary" if number == 0 else "shop", f"web-{number}", 4, pace=1)
    cluster.move_control_plane()
    return start(cluster, canary_namespaces=("canary",), limits=Limits(workloads_at_once=2, pods_per_minute=0))


def close_in(rig: Rig[PaperCluster], step: str, begun: int) -> None:
    """Run the step until so many workloads have been begun, then close the window and let the rest land."""
    while len(rig.cluster.restarts) < begun:
        outcome = rig.turn(step)
        assert isinstance(outcome, Waiting), outcome
        rig.cluster.tick(outcome.retry_in)
    rig.hold = CLOSED
    for _ in range(100):
        outcome = rig.turn(step)
        if not isinstance(outcome, Waiting) or outcome.held:
            return
        rig.cluster.tick(outcome.retry_in)
    raise AssertionError("no safe point was reached")


def test_what_is_in_flight_lands_and_nothing_new_begins(rig: Rig[PaperCluster]) -> None:
    """Between two workloads is the safe point."""
    rig.approve("approve-canary")
    rig.run("canary")
    rig.approve("approve")
    close_in(rig, "restart", 3)
    begun = len(rig.cluster.restarts)
    assert (begun < 6, rig.count("upgraded"), rig.count("failed")) == (True, 4 * begun, 0)


def test_it_says_that_it_is_held(rig: Rig[PaperCluster]) -> None:
    """By the reason that it was given."""
    rig.approve("approve-canary")
    rig.run("canary")
    rig.approve("approve")
    close_in(rig, "restart", 3)
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    assert (outcome.why, outcome.held) == (CLOSED, True)


def test_it_goes_on_where_it_stopped(rig: Rig[PaperCluster]) -> None:
    """Each workload is restarted once."""
    rig.approve("approve-canary")
    rig.run("canary")
    rig.approve("approve")
    close_in(rig, "restart", 3)
    rig.hold = ""
    assert isinstance(rig.run("restart"), Done)
    assert (len(rig.cluster.restarts), rig.count("upgraded")) == (6, 24)


def test_a_canary_that_has_not_begun_is_held(rig: Rig[PaperCluster]) -> None:
    """Nothing is restarted."""
    rig.approve("approve-canary")
    close_in(rig, "canary", 0)
    assert rig.cluster.restarts == []


def test_the_card_says_whether_the_window_will_do(rig: Rig[PaperCluster]) -> None:
    """Half a minute is left."""
    rig.window_minutes = 0.1
    ask = rig.turn("approve-canary")
    assert isinstance(ask, Ask)
    assert "(the guide's 100 pods/min); will overrun the window by about 1 min" in ask.card.estimate


def test_the_card_of_the_rest_learns_from_the_canary(rig: Rig[PaperCluster]) -> None:
    """The guide's figure has served once a pod was seen."""
    rig.approve("approve-canary")
    rig.run("canary")
    ask = rig.turn("approve")
    assert isinstance(ask, Ask)
    assert "(the pods so far took " in ask.card.estimate
