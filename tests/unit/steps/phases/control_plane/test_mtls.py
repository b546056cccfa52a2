"""The gate of another mTLS mode: who would be cut off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.contract.options import UpgradeOptions
from steps.contract.step import Ask, Decision, Done, Waiting
from steps.gates import CUT_OFF
from steps.mesh import Owner
from steps.notes.control_plane import APPROVED_FRAME
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import approve
from steps.phases.control_plane.mtls import approve_mtls
from tests.unit.steps.builders import make_pod
from tests.unit.steps.paper import Paper, decide, start_paper


def test_the_mode_in_force_needs_no_gate_of_its_own() -> None:
    """Nothing is asked and nothing posted."""
    assert start_paper().run(approve_mtls) == Done("")


def test_another_mode_has_a_gate_of_its_own() -> None:
    """STRICT where PERMISSIVE is in force."""
    paper = start_paper()
    paper.options = UpgradeOptions(mtls="STRICT")
    ask = paper.run(approve_mtls)
    assert isinstance(ask, Ask)
    assert ask.question == "Change cluster-x from PERMISSIVE to STRICT mTLS?"


def outside(*names: str) -> Paper:
    """A cluster on the way to STRICT, with a pod without a sidecar of each of these."""
    paper = start_paper()
    paper.options = UpgradeOptions(mtls="STRICT")
    paper.kubernetes.pods = [
        make_pod(
            name, namespace=name.partition("/")[0], owner=Owner("DaemonSet", name.partition("/")[2]), proxy_image=""
        )
        for name in names
    ]
    return paper


def ask_about(paper: Paper) -> Ask:
    """The gate's question."""
    ask = paper.run(approve_mtls)
    assert isinstance(ask, Ask)
    return ask


def test_the_card_names_who_would_be_cut_off() -> None:
    """By name as far as a sentence goes, and all of them with their pods in a fold."""
    names = [f"batch/w{number}" for number in range(7)]
    card = ask_about(outside(*names, "batch/w0", "kube-system/dns")).card
    named = ", ".join(f"batch/DaemonSet/w{number}" for number in range(5))
    assert (
        "Cut off from those inside the mesh, as they have no sidecar, are 7 workloads: "
        f"{named} and 2 more, named below; probes from outside the mesh too."
    ) in card.risks
    fold = next(fold for fold in card.details if fold.title == "Without a sidecar")
    assert fold.lines == ("batch/DaemonSet/w0: 2 pods", *(f"batch/DaemonSet/w{n}: 1 pod" for n in range(1, 7)))


def test_pods_with_a_sidecar_or_on_their_way_out_are_not_cut_off() -> None:
    """Nor those of the control plane and of Kubernetes itself."""
    paper = outside("kube-system/dns")
    paper.kubernetes.pods += [
        make_pod("web-1", namespace="shop"),
        make_pod("old-1", namespace="shop", proxy_image="", terminating=True),
        make_pod("job-1", namespace="shop", proxy_image="", phase="Succeeded"),
    ]
    card = ask_about(paper).card
    assert "Every workload that runs has a sidecar" in card.risks[-1]
    assert "Without a sidecar" not in [fold.title for fold in card.details]


@pytest.mark.parametrize("production", [True, False])
def test_strict_has_a_sentence_with_the_numbers_to_ask_once_more(production: bool) -> None:
    """The policy at the decision says whether it asks, so the question has it always."""
    paper = outside("batch/w0", "batch/w0", "shop/w1")
    again = "Change cluster-x to STRICT mTLS, which cuts off 2 workloads (3 pods) without a sidecar?"
    paper.options = replace(paper.options, production=production)
    assert [choice.confirm for choice in ask_about(paper).choices] == [again, ""]


def test_permissive_asks_once() -> None:
    """Nobody is cut off by it."""
    paper = start_paper(**{"prepare/mtls": "STRICT"})
    paper.options = UpgradeOptions(mtls="PERMISSIVE")
    assert [choice.confirm for choice in ask_about(paper).choices] == ["", ""]


def run_pod(paper: Paper, name: str) -> None:
    """One more workload without a sidecar."""
    paper.kubernetes.pods += outside(name).kubernetes.pods


def approve_all(paper: Paper) -> None:
    """The gate of STRICT and the gate of the apply are approved as they are asked."""
    for gate in (approve_mtls, approve):
        ask = paper.run(gate)
        assert isinstance(ask, Ask)
        assert isinstance(paper.run(gate, decide("approve", ask.digest)), Done)


def test_who_is_cut_off_is_what_the_approval_of_strict_holds_for() -> None:
    """By workload: another pod of it and one that went away are covered, another workload is asked about."""
    paper = outside("batch/w0", "batch/w1")
    ask = ask_about(paper)
    decision = replace(decide("approve", ask.digest), binding=ask.binding)
    paper.kubernetes.pods.pop()
    run_pod(paper, "batch/w0")
    assert isinstance(paper.run(approve_mtls, decision), Done)
    run_pod(paper, "shop/w2")
    again = paper.run(approve_mtls, decision)
    assert isinstance(again, Ask)
    assert "shop/DaemonSet/w2" in " ".join(again.moved)


def test_who_is_cut_off_is_counted_again_right_before_the_apply() -> None:
    """More than were shown ask once more, by the acting step and by name; a yes to that starts it."""
    paper = outside("batch/w0")
    approve_all(paper)
    run_pod(paper, "shop/w2")
    asked = paper.run(apply)
    assert isinstance(asked, Ask)
    assert "STRICT would also cut off 1 workload without a sidecar: shop/DaemonSet/w2" in asked.moved
    assert any("batch/DaemonSet/w0, shop/DaemonSet/w2" in risk for risk in asked.card.risks)
    assert paper.tools.started == []
    paper.generation += 1
    assert isinstance(paper.run(apply, decide("approve", asked.digest)), Waiting)


def test_fewer_that_are_cut_off_are_covered_at_the_apply() -> None:
    """The approval was for more."""
    paper = outside("batch/w0", "batch/w1")
    approve_all(paper)
    paper.kubernetes.pods.pop()
    assert isinstance(paper.run(apply), Waiting)


def test_an_approval_from_before_they_were_bound_goes_on() -> None:
    """Earlier versions of the bot bound nobody: neither gate nor apply asks anew."""
    paper = outside("batch/w0")
    ask = ask_about(paper)
    earlier = {key: held for key, held in ask.binding.items() if key != CUT_OFF}
    decision = Decision("approve", "U0BEN00002", paper.now, "earlier", binding=earlier)
    assert isinstance(paper.run(approve_mtls, decision), Done)
    approve_all(paper)
    paper.memory.values[APPROVED_FRAME.key].pop(CUT_OFF)  # type: ignore[union-attr]
    assert isinstance(paper.run(apply), Waiting)
