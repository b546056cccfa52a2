"""An approval through: what it covers, and the attacks and accidents that end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from steps.contract.cards import APPROVE, THROUGH
from steps.contract.step import Ask, Decision, Done, Outcome
from steps.mesh import WorkloadRef
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import approve
from steps.phases.validate import approve as approve_validate
from tests.unit.steps.builders import NEW, NOW, make_control_plane, make_pod
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_cluster import OLD, PaperCluster
from tests.unit.steps.rig import Rig, start

WEB = WorkloadRef("shop", "Deployment", "web")


def decided(asked: Outcome, choice: str = THROUGH.id) -> Decision:
    """A person's decision on what was asked."""
    assert isinstance(asked, Ask)
    return Decision(choice, "U0BEN00002", NOW, asked.digest, binding=asked.binding)


def asking() -> Paper:
    """An upgrade at its control plane's gate, of a cluster whose team wants fewer questions."""
    paper = start_paper()
    paper.options = replace(paper.options, gates="through")
    paper.kubernetes.pods = [make_pod("debug", namespace="istio-system")]
    return paper


def approved_through() -> Paper:
    """The same after an approval through."""
    paper = asking()
    paper.through = decided(paper.run(approve))
    assert isinstance(paper.run(approve, paper.through), Done)
    return paper


def test_without_the_setting_no_card_has_the_button() -> None:
    """Each gate asks."""
    ask = start_paper().run(approve)
    assert isinstance(ask, Ask)
    assert THROUGH not in ask.choices
    assert "through" not in ask.binding


def test_the_card_says_what_is_covered_and_what_ends_it() -> None:
    """Beside Approve, which stays the first choice."""
    ask = asking().run(approve)
    assert isinstance(ask, Ask)
    assert [choice.id for choice in ask.choices] == ["approve", "through", "deny"]
    assert ask.card.summary[-2].startswith("“Approve through” also approves all that follows, to the end: ")
    assert ask.card.summary[-1].startswith("It ends, and the bot asks, at the first of these:")


def test_what_follows_is_passed_without_a_question() -> None:
    """The sentence names the person and the choice; the apply itself asks nothing more either."""
    paper = approved_through()
    assert not isinstance(paper.run(apply), Ask)
    paper.kubernetes.workloads = make_control_plane(NEW)
    outcome = paper.run(approve_validate)
    assert outcome == Done("validate approved by {person U0BEN00002}, with “Approve through”")


def ask_something(paper: Paper) -> None:
    """A question or a block, which is answered: the journal gives none any more."""
    paper.through = None


def grow_old(paper: Paper) -> None:
    """The approval's end has passed."""
    paper.approval_ended = paper.now - timedelta(minutes=1)


def say_nothing(paper: Paper) -> None:
    """An approval on a card that offered no such thing."""
    assert paper.through
    paper.through = replace(paper.through, binding={})


@pytest.mark.parametrize("end", [ask_something, grow_old, say_nothing])
def test_whatever_is_asked_or_blocked_ends_it(end: Callable[[Paper], None]) -> None:
    """And so does its age."""
    paper = approved_through()
    end(paper)
    paper.kubernetes.workloads = make_control_plane(NEW)
    assert isinstance(paper.run(approve_validate), Ask)


def test_a_plain_approval_covers_its_own_gate_alone() -> None:
    """Also where the button was there."""
    paper = asking()
    assert isinstance(paper.run(approve, decided(paper.run(approve), APPROVE.id)), Done)
    paper.kubernetes.workloads = make_control_plane(NEW)
    assert isinstance(paper.run(approve_validate), Ask)


def fill(cluster: PaperCluster) -> Rig[PaperCluster]:
    """A phase in which every method is used and something is left to a person."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.add("StatefulSet", "store", "db", 2)
    cluster.add_bare_pod("batch", "shell")
    cluster.move_control_plane()
    return start(cluster, gates="through", canary_namespaces=("store",))


def take_through(rig: Rig[PaperCluster]) -> None:
    """The canary's gate is approved through."""
    asked = rig.turn("approve-canary")
    rig.decide(asked, THROUGH.id)
    rig.through = rig.decision
    assert isinstance(rig.turn("approve-canary"), Done)
    rig.decision = None


def run_all(rig: Rig[PaperCluster]) -> list[Outcome]:
    """What each step of the rest of the phase answers, up to the first question."""
    outcomes: list[Outcome] = []
    for name in ("canary", "approve", "restart", "acknowledge"):
        outcomes.append(rig.run(name))
        if not isinstance(outcomes[-1], Done):
            break
    return outcomes


def test_the_rest_of_the_sidecars_is_covered(cluster: PaperCluster) -> None:
    """The second gate, and the acknowledgement of what stood on the card as left."""
    rig = fill(cluster)
    take_through(rig)
    assert [type(one) for one in run_all(rig)] == [Done] * 4
    assert (rig.count("upgraded"), rig.count("manual")) == (4, 1)


def add_new(cluster: PaperCluster) -> None:
    """A workload that nobody has seen."""
    cluster.injects = False
    cluster.add("Deployment", "shop", "late", 2)
    cluster.injects = True


def add_left(cluster: PaperCluster) -> None:
    """A bare pod with an old sidecar that nobody has seen."""
    cluster.tag, tag = OLD, cluster.tag
    cluster.add_bare_pod("shop", "another-shell")
    cluster.tag = tag


ENDS: dict[str, tuple[Callable[[PaperCluster], object], str]] = {
    "worse": (lambda cluster: cluster.change(WEB, strategy="Recreate"), "“Approve through” ends: namespace shop: "),
    "new": (add_new, "“Approve through” ends: namespace shop: Deployment/late: new"),
    "left": (add_left, ""),
    "left by now": (lambda cluster: cluster.change(WEB, paused=True), ""),
}


@pytest.mark.parametrize(("change", "moved"), ENDS.values(), ids=ENDS.keys())
def test_what_is_new_or_worse_ends_it(
    cluster: PaperCluster, change: Callable[[PaperCluster], object], moved: str
) -> None:
    """The gate asks as ever, and says why."""
    rig = fill(cluster)
    take_through(rig)
    change(cluster)
    asked = run_all(rig)[-1]
    assert isinstance(asked, Ask)
    assert "".join(asked.moved[-1:]).startswith(moved)


def test_what_became_better_ends_nothing(cluster: PaperCluster) -> None:
    """Scaling, a gentler strategy, a workload that is gone."""
    rig = fill(cluster)
    take_through(rig)
    cluster.scale(WEB, 5)
    cluster.tick()
    cluster.delete_workload(WorkloadRef("store", "StatefulSet", "db"))
    assert [type(one) for one in run_all(rig)] == [Done] * 4
