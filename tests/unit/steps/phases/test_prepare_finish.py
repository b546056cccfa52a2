"""The first and the last phase."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.contract.errors import GiveUp
from steps.contract.ledger import EntryState, LedgerEntry
from steps.contract.options import Overlay, UpgradeOptions
from steps.contract.step import Ask, Blocked, Done
from steps.mesh import GkeState
from steps.phases.control_plane.approvals import approve
from steps.phases.finish import report, revoke
from steps.phases.prepare import identify, inspect, propose
from tests.unit.steps.builders import HUB, NEW, OLD, make_control_plane, make_pod, make_workload
from tests.unit.steps.paper import Paper, start_paper


def fresh() -> Paper:
    """An upgrade that has just been started, with three sidecars in shop."""
    paper = start_paper()
    paper.memory.values.clear()
    paper.kubernetes.pods = [
        make_pod(f"web-1-{n}", namespace="shop", proxy_image=f"{HUB}/proxyv2:{OLD}") for n in "abc"
    ]
    return paper


def entry(name: str, state: EntryState) -> LedgerEntry:
    """A pod's line."""
    return LedgerEntry(name, "shop", name, "shop/Deployment/web", state)


def test_the_cluster_is_named() -> None:
    """Project, location and server."""
    assert fresh().run(identify) == Done(
        "cluster-x in us-central1-a, project example-project, API server v1.16.15-gke.6000"
    )


def test_what_is_found_is_kept_for_later_phases() -> None:
    """Source, mode and flags."""
    paper = fresh()
    assert paper.run(inspect) == Done("ASM 1.4.7-asm.0, 3 sidecars in 1 namespace")
    assert paper.memory.recall("prepare/source") == {"version": OLD}
    assert paper.memory.recall("prepare/mtls") == "PERMISSIVE"


def test_a_cluster_that_can_not_be_upgraded_blocks() -> None:
    """With every reason at once."""
    paper = fresh()
    paper.gke.identity = replace(paper.gke.identity, server_version="v1.22.1")
    paper.kubernetes.workloads = make_control_plane("1.4.2-asm.2")
    outcome = paper.run(inspect)
    assert isinstance(outcome, Blocked)
    assert "the API server is v1.22.1" in outcome.why
    assert "ASM 1.4.2-asm.2 is below 1.4.5" in outcome.why


def test_a_cluster_that_is_being_deleted_is_refused_before_it_is_asked_anything() -> None:
    """Its API server may answer no more, and that is not what a person has to know."""
    paper = fresh()
    paper.gke.identity = replace(paper.gke.identity, gke=GkeState("STOPPING"))
    outcome = paper.run(identify)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "GKE says STOPPING, it is being deleted"
    assert "prepare/cluster-uid" not in paper.memory.values


@pytest.mark.parametrize(
    ("kubectl", "why"),
    [
        ("1.15.4", "kubectl 1.15.4 is older than 1.18"),
        ("", "no kubectl is on the bot's PATH, and istioctl calls it"),
    ],
)
def test_a_kubectl_that_won_t_do_is_told_before_anybody_approves(kubectl: str, why: str) -> None:
    """It would fail only in the download phase."""
    paper = fresh()
    paper.tools.kubectl = kubectl
    outcome = paper.run(inspect)
    assert isinstance(outcome, Blocked)
    assert outcome.why == why


def test_a_full_disk_is_told_before_anybody_approves() -> None:
    """A download needs room for two archives."""
    paper = fresh()
    paper.files.room = 100 * 2**20
    outcome = paper.run(inspect)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "0.1 GiB free where the bot keeps its state"


def test_google_s_optional_answers_may_be_missing() -> None:
    """The card says what was not read."""
    paper = fresh()
    paper.gke.fault = GiveUp("the account may not list operations", "Grant it.")
    paper.run(inspect)
    done = paper.run(propose)
    assert isinstance(done, Done)
    assert done.card is not None
    assert any("may not list operations" in risk for risk in done.card.risks)


@pytest.mark.parametrize(
    "options",
    [
        UpgradeOptions(set_flags=("values.a=b,c",)),
        UpgradeOptions(set_flags=("profile=default",)),
        UpgradeOptions(overlays=(Overlay("x.yaml", "a: ["),)),
    ],
)
def test_a_bad_flag_or_overlay_is_told_before_anybody_approves(options: UpgradeOptions) -> None:
    """prepare builds the arguments once."""
    paper = fresh()
    paper.options = options
    with pytest.raises(GiveUp):
        paper.run(inspect)


def test_the_proposal_has_an_estimate_as_a_range() -> None:
    """From the guide's figures."""
    paper = fresh()
    paper.run(inspect)
    done = paper.run(propose)
    assert isinstance(done, Done)
    assert done.card is not None
    assert done.card.estimate.startswith("control plane 5–10 min (the guide), 3 sidecars 12–24 s")


def test_the_report_adds_up() -> None:
    """The sentence that the sandbox ends with."""
    paper = start_paper()
    paper.ledger.entries = (entry("a", "upgraded"), entry("b", "upgraded"), entry("c", "manual"), entry("d", "gone"))
    done = paper.run(report)
    assert done == Done(
        f"upgraded cluster-x: {OLD} → {NEW}, 2/3 pods, 1 manual", done.card if isinstance(done, Done) else None
    )


def test_skipped_pods_are_told_in_the_end() -> None:
    """Behind the manual ones."""
    paper = start_paper()
    paper.ledger.entries = (entry("a", "upgraded"), entry("b", "skipped"))
    done = paper.run(report)
    assert isinstance(done, Done)
    assert done.sentence.endswith("1/2 pods, 0 manual, 1 skipped")


def test_without_an_own_binding_nothing_is_revoked() -> None:
    """And nothing is posted."""
    assert start_paper().run(revoke) == Done("")


def test_a_gateway_that_stays_is_named_in_the_proposal_on_the_card_and_in_the_report() -> None:
    """A team's own in istio-system: nothing hands it a new proxy."""
    own = make_workload("team-gateway", {"istio-proxy": f"{HUB}/proxyv2:{OLD}"})
    said = f"Deployment istio-system/team-gateway keeps its proxy of {OLD}"
    paper = fresh()
    paper.kubernetes.workloads = (*make_control_plane(OLD), own)
    assert isinstance(paper.run(inspect), Done)
    proposal = paper.run(propose)
    downloaded = start_paper()
    downloaded.kubernetes.workloads = (*make_control_plane(OLD), own)
    asked = downloaded.run(approve)
    ended = downloaded.run(report)
    assert isinstance(proposal, Done)
    assert isinstance(asked, Ask)
    assert isinstance(ended, Done)
    for card in (proposal.card, asked.card, ended.card):
        assert card is not None
        assert [risk.startswith(said) for risk in card.risks].count(True) == 1


def test_a_gateway_that_a_flag_brings_is_not_named() -> None:
    """Asked for at the start, beside the earlier ones."""
    egress = make_workload("istio-egressgateway", {"istio-proxy": f"{HUB}/proxyv2:{OLD}"})
    for flags, named in (((), 1), (("gateways.components.egressGateway.enabled=true",), 0)):
        paper = fresh()
        paper.options = UpgradeOptions(set_flags=flags)
        paper.kubernetes.workloads = (*make_control_plane(OLD), egress)
        paper.run(inspect)
        proposal = paper.run(propose)
        assert isinstance(proposal, Done)
        assert proposal.card is not None
        assert sum("istio-egressgateway keeps" in risk for risk in proposal.card.risks) == named
