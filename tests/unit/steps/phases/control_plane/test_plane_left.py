"""What is left of the control plane, as told while it rolls out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from steps.contract.forecast import Forecast
from steps.contract.step import Waiting
from steps.mesh import Workload
from steps.phases.control_plane.replacement import roll_out
from tests.unit.steps.builders import NEW, make_control_plane
from tests.unit.steps.paper import Paper, start_paper

MISSING = "control plane: istio-galley: 1 of 2 pods updated"


def rolling(agents: int = 0, nodes: int = 20) -> Paper:
    """An upgrade whose galley still rolls and whose node agent is on some of its nodes."""
    paper = start_paper()
    paper.kubernetes.workloads = set_agents(make_control_plane(NEW), agents, nodes)
    return paper


def set_agents(workloads: tuple[Workload, ...], agents: int, nodes: int) -> tuple[Workload, ...]:
    """The control plane with its node agent so far."""
    return tuple(
        replace(w, replicas=nodes, current=nodes, updated=agents, ready=nodes, available=nodes)
        if w.ref.kind == "DaemonSet"
        else replace(w, updated=1)
        if "galley" in w.ref.name
        else w
        for w in workloads
    )


def look(paper: Paper) -> str:
    """The sentence of a turn."""
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    return outcome.why


def spend(minutes: float, window: float | None = None) -> Forecast:
    """So much of the phase is over."""
    return Forecast(window_minutes=window, took={"control-plane": minutes})


def test_what_was_estimated_shrinks_with_the_time() -> None:
    """The guide's 10 minutes less 4."""
    paper = rolling()
    paper.forecast = spend(4)
    assert look(paper).endswith("; up to 6 min left")


def test_past_the_estimate_that_is_said() -> None:
    """No promise is made any more."""
    paper = rolling()
    paper.forecast = spend(11)
    assert look(paper).endswith("; it takes longer than the 5–10 min estimated")


def test_the_nodes_done_so_far_correct_it() -> None:
    """5 of 20 nodes in 3 minutes: 15 more take about 9."""
    paper = rolling(agents=0)
    paper.forecast = spend(1)
    look(paper)
    paper.kubernetes.workloads = set_agents(paper.kubernetes.workloads, 5, 20)
    paper.now += timedelta(minutes=3)
    assert look(paper).endswith("; 7–12 min left by the nodes so far")


@pytest.mark.parametrize(
    ("window", "told"), [(5.0, "; may overrun the window by up to 1 min"), (10.0, "6 min left"), (None, "6 min left")]
)
def test_an_overrun_of_the_window_is_told(window: float | None, told: str) -> None:
    """Up to 6 minutes are left."""
    paper = rolling()
    paper.forecast = spend(4, window)
    assert look(paper).endswith(told)
