"""The gates of the control plane: what is shown, what voids an approval, what leaves the guide's path."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.contract.errors import GiveUp
from steps.contract.step import Ask, Blocked, Decision, Done
from steps.mesh import Operation
from steps.phases.control_plane.approvals import approve
from tests.unit.steps.builders import NEW
from tests.unit.steps.paper import Paper, decide, start_paper
from tests.unit.steps.paper_records import render_control_plane
from tests.unit.steps.phases.control_plane.upgrades import ask_for


def test_the_gate_shows_arguments_and_evidence() -> None:
    """What will be run, and what was verified."""
    card = ask_for(start_paper()).card
    facts = dict(card.facts)
    assert facts["SHA-256"] == "ab" * 32
    assert facts["signature"] == "Verified OK"
    assert facts["signing key"] == f"SHA-256 {'cd' * 32}"
    assert card.details[0].lines[:2] == ("istioctl manifest apply \\", "  --set profile=asm \\")


def test_every_recording_is_made_by_somebody_who_may_only_read() -> None:
    """The account of this paper may do everything, so it acts for the viewer."""
    paper = start_paper()
    assert not any("recorded by an account" in risk for risk in ask_for(paper).card.risks)
    assert set(paper.tools.recorders.values()) == {"asm-upgrade-viewer"}


def test_the_gate_says_where_the_account_that_recorded_may_write() -> None:
    """Also at a second look, which records nothing anew."""
    paper = start_paper()
    paper.kubernetes.acts_for = lambda user: False
    said = "What istioctl hands over was recorded by an account that may write: it may not act for asm-upgrade-viewer"
    for _ in range(2):
        assert any(risk.startswith(said) for risk in ask_for(paper).card.risks)
    assert set(paper.tools.recorders.values()) == {""}


def test_the_gate_says_that_there_is_no_way_back() -> None:
    """Where the previous release could not be had."""
    assert dict(ask_for(start_paper()).card.facts)["way back"] == "no way back by the bot: not looked for on paper"


def test_the_approval_does_not_hold_for_replicas_or_generations() -> None:
    """They move by themselves."""
    paper = start_paper()
    ask = ask_for(paper)
    paper.kubernetes.workloads = tuple(replace(w, replicas=9, generation=9) for w in paper.kubernetes.workloads)
    assert isinstance(paper.run(approve, decide("approve", ask.digest)), Done)


def test_a_server_upgrade_voids_the_approval() -> None:
    """What moved is said."""
    paper = start_paper()
    ask = ask_for(paper)
    paper.gke.identity = replace(paper.gke.identity, server_version="v1.17.9-gke.1504")
    decision = Decision("approve", "U0BEN00002", paper.now, ask.digest, binding=ask.binding)
    again = paper.run(approve, decision)
    assert isinstance(again, Ask)
    assert again.moved == ("cluster: server was 1.16 and is now 1.17",)


def test_another_rendered_manifest_voids_the_approval() -> None:
    """It is rendered again at the decision."""
    paper = start_paper()
    ask = ask_for(paper)
    paper.tools.manifest = render_control_plane(NEW, extra="x")
    paper.tools.runs, paper.tools.recorded = {}, {}
    again = paper.run(approve, Decision("approve", "U0BEN00002", paper.now, ask.digest, binding=ask.binding))
    assert isinstance(again, Ask)
    assert again.moved[0].startswith("record was ")


def test_a_node_upgrade_blocks_the_gate() -> None:
    """Moving nodes and a moving control plane don't mix."""
    paper = start_paper()
    link = "https://container.googleapis.com/v1/projects/1/locations/z/clusters/cluster-x/nodePools/default-pool"
    paper.gke.operations = (Operation("op", "UPGRADE_NODES", link),)
    outcome = paper.run(approve)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "GKE runs UPGRADE_NODES on nodePools/default-pool"


def test_an_account_that_may_not_read_operations_is_let_pass() -> None:
    """The right is optional; prepare said so."""
    paper = start_paper()
    paper.gke.fault = GiveUp("may not list operations", "Grant it.")
    assert isinstance(paper.run(approve), Ask)


def test_without_a_way_back_the_card_says_how_it_is_gone_by_hand() -> None:
    """In its first lines, with the commands and the place of the backup."""
    card = ask_for(start_paper()).card
    assert card.summary[1] == ("No way back by the bot: not looked for on paper. The manual steps are below.")
    lines = next(fold.lines for fold in card.details if fold.title == "The way back by hand")
    assert lines[0] == "# with the istioctl of 1.4.7-asm.0; before that, this upgrade is aborted"
    assert "istioctl manifest apply \\" in lines
    assert lines[-1] == "kubectl apply -f /backups/cluster-x-1/FILE"


@pytest.mark.parametrize("production", [True, False])
def test_the_approval_has_a_sentence_with_the_numbers_to_ask_once_more(production: bool) -> None:
    """The policy at the decision says whether it asks, so the question has it always; to deny nothing is asked."""
    paper = start_paper(**{"prepare/sidecars": {"pods": 58}})
    paper.options = replace(paper.options, production=production)
    approval, denial = ask_for(paper).choices
    assert approval.confirm == (
        f"Replace the control plane of cluster-x by {NEW}, with 58 pods in its mesh: {found_in(paper)}?"
    )
    assert not denial.confirm


def test_the_approval_of_all_that_follows_says_so_when_it_asks_once_more() -> None:
    """It is the same click."""
    paper = start_paper()
    paper.options = replace(paper.options, gates="through")
    _, through, _ = ask_for(paper).choices
    assert through.confirm.endswith("removed, and let all that follows be done without asking?")


def found_in(paper: Paper) -> str:
    """What is handed over, as the card's first line has it."""
    return ask_for(paper).card.summary[0].partition("mTLS: ")[2].removesuffix(".")
