"""What a person reads about time before approving, and at the end."""

from __future__ import annotations

import pytest

from steps.contract.forecast import Forecast, Measured
from steps.contract.step import Ask, Done
from steps.phases.control_plane.approvals import approve
from steps.phases.finish import report
from steps.phases.prepare import inspect, propose
from tests.unit.steps.builders import HUB, OLD, make_pod
from tests.unit.steps.paper import Paper, start_paper

FLEET = Measured(12.0, 96.0, "the fleet's", 6.0, "the fleet's", 10)


def propose_with(forecast: Forecast) -> tuple[Paper, str]:
    """The proposal for three sidecars, and the upgrade that it belongs to."""
    paper = start_paper()
    pods = [make_pod(f"web-1-{n}", namespace="shop", proxy_image=f"{HUB}/proxyv2:{OLD}") for n in "abc"]
    paper.kubernetes.pods = pods
    paper.run(inspect)
    paper.forecast = forecast
    done = paper.run(propose)
    assert isinstance(done, Done)
    assert done.card
    return paper, done.card.estimate


def approve_with(forecast: Forecast, ahead: tuple[float, float] = (4.0, 8.0)) -> str:
    """The estimate on the card of the control plane with so much to follow."""
    paper = start_paper(**{"prepare/sidecars-estimate": list(ahead)})
    paper.forecast = forecast
    ask = paper.run(approve)
    assert isinstance(ask, Ask)
    return ask.card.estimate


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (60.0, "without the approvals"),
        (12.0, "; may overrun the window by up to 5 min"),
        (5.0, "; will overrun the window by about 8 min"),
        (None, "without the approvals"),
    ],
)
def test_the_proposal_says_whether_the_window_will_do(window: float | None, told: str) -> None:
    """Before anybody approves anything."""
    assert propose_with(Forecast(window_minutes=window))[1].endswith(told)


def test_the_proposal_names_where_its_figures_come_from() -> None:
    """Other clusters, where this one has none of its own."""
    estimate = propose_with(Forecast(FLEET))[1]
    assert "control plane 4–8 min (the fleet's), 3 sidecars " in estimate
    assert "(the fleet's 96 pods/min)" in estimate


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (60.0, "5–10 min (the guide), with the sidecars 9–18 min"),
        (15.0, "5–10 min (the guide), with the sidecars 9–18 min; may overrun the window by up to 3 min"),
        (8.0, "5–10 min (the guide), with the sidecars 9–18 min; will overrun the window by about 6 min"),
    ],
)
def test_the_control_planes_card_counts_the_sidecars_that_follow(window: float, told: str) -> None:
    """A window that ends between the two leaves two versions in the mesh."""
    assert approve_with(Forecast(window_minutes=window)) == told


def test_many_nodes_stand_on_the_control_planes_card() -> None:
    """60 of them take longer than the guide's 10 minutes."""
    assert approve_with(Forecast(nodes=60), (0.0, 0.0)).startswith("11–21 min (the guide)")


def test_the_report_compares_the_estimate_with_the_truth() -> None:
    """What prepare took before the estimate is left out."""
    paper, _ = propose_with(Forecast())
    paper.forecast = Forecast(took={"prepare": 3.0, "download": 1.0, "control-plane": 7.0, "sidecars": 2.0})
    done = paper.run(report)
    assert isinstance(done, Done)
    assert done.card
    took = "took 10 min: download 60 s, control plane 7 min, sidecars 2 min"
    assert dict(done.card.facts)["time after prepare"] == f"estimated 8.5–17 min, {took}"
