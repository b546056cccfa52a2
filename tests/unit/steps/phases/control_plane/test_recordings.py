"""Recordings that can't be judged, and what they show beyond images and versions."""

from __future__ import annotations

from steps.contract.options import UpgradeOptions
from steps.contract.ports import ForbiddenRead, KubectlCall, ProgramEnded
from steps.contract.record import Record
from steps.contract.step import Ask, Blocked, Waiting
from steps.phases.control_plane.approvals import approve
from tests.unit.steps.builders import NEW, OLD
from tests.unit.steps.paper import start_paper
from tests.unit.steps.paper_records import render_control_plane
from tests.unit.steps.phases.control_plane.upgrades import REFUSED, ask_about_removals, ask_for, put_in_place

KIALI = {
    "apiVersion": "v1", "kind": "Service",
    "metadata": {"name": "kiali", "namespace": "istio-system", "labels": {"operator.istio.io/component": "Kiali"}},
}  # fmt: skip


def test_a_recording_that_fails_blocks_with_its_output() -> None:
    """istioctl's own first words; nothing was written."""
    paper = start_paper()
    paper.tools.recording_end = ProgramEnded(
        255, "Error: could not unmarshal the overlay file: unknown field\n\nOriginal YAML:\na: b\n"
    )
    outcome = paper.run(approve)
    assert isinstance(outcome, Blocked)
    assert outcome.why.endswith("could not unmarshal the overlay file: unknown field")
    assert outcome.remedy.startswith("Nothing has been written")


def test_a_recording_without_a_call_blocks() -> None:
    """An istioctl that ends well and hands nothing over."""
    paper = start_paper()
    paper.tools.manifest = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}}]
    paper.run(approve)
    paper.tools.recorded = {run: Record(()) for run in paper.tools.recorded}
    outcome = paper.run(approve)
    assert isinstance(outcome, Blocked)


def test_a_component_that_can_t_be_looked_through_blocks_with_its_rule() -> None:
    """Its objects would be removed unseen."""
    paper = start_paper()
    missing = (ForbiddenRead("apps", "deployments", "list"),)
    paper.tools.recording_calls = (KubectlCall("get", "Kiali", "passed", 1, stderr="forbidden", forbidden=missing),)
    outcome = paper.run(approve)
    assert isinstance(outcome, Blocked)
    assert "list deployments of the API group apps" in outcome.remedy


def test_another_product_s_kind_that_can_t_be_read_is_told() -> None:
    """It is no object of Istio's."""
    paper = start_paper()
    missing = (ForbiddenRead("serving.knative.dev", "services", "list"),)
    paper.tools.recording_end = ProgramEnded(255, "")
    paper.tools.recording_calls = (KubectlCall("get", "Kiali", "passed", 1, stderr="forbidden", forbidden=missing),)
    assert any("serving.knative.dev" in risk for risk in ask_for(paper).card.risks)


def test_a_flag_that_changes_nothing_is_told() -> None:
    """By a recording without it: what it looks like says nothing."""
    paper = start_paper()
    paper.options = UpgradeOptions(set_flags=("values.global.proxy.tracer=zipkin", "values.kiali.enabled=true"))
    paper.tools.rendered["values.kiali.enabled=true"] = [*render_control_plane(NEW), KIALI]
    risks = ask_for(paper).card.risks
    assert "--set values.global.proxy.tracer=zipkin changes nothing of what is handed over." in risks
    assert not any("values.kiali.enabled" in risk for risk in risks)


def test_a_recording_that_lost_a_request_is_made_again() -> None:
    """It changes nothing."""
    paper = start_paper()
    paper.tools.recording_calls = (KubectlCall("get", "Kiali", "passed", 1, stderr=REFUSED),)
    outcome = paper.run(approve)
    assert isinstance(outcome, Waiting)
    paper.tools.recording_calls = ()
    assert isinstance(paper.run(approve), Ask)


def test_mtls_that_nobody_asked_for_blocks() -> None:
    """Whatever flag turned it on: the record says so."""
    paper = start_paper()
    policy = {
        "apiVersion": "authentication.istio.io/v1alpha1", "kind": "MeshPolicy", "metadata": {"name": "default"},
        "spec": {"peers": [{"mtls": {}}]},
    }  # fmt: skip
    paper.tools.manifest = [*render_control_plane(), policy]
    outcome = paper.run(approve)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istioctl would set STRICT mTLS, and PERMISSIVE was asked for"


def test_another_version_in_a_tagged_workload_blocks() -> None:
    """`values.global.tag=1.4.7-asm.0` is no upgrade."""
    paper = start_paper()
    paper.tools.manifest = render_control_plane(OLD)
    outcome = paper.run(approve)
    assert isinstance(outcome, Blocked)
    assert f"would run {OLD}, not {NEW}" in outcome.why


def test_a_hand_edit_has_a_gate_of_its_own() -> None:
    """It would be lost unseen."""
    paper = start_paper()
    scaler = {
        "apiVersion": "autoscaling/v2beta1", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"}, "spec": {"minReplicas": 1},
    }  # fmt: skip
    paper.tools.manifest = [*render_control_plane(), scaler]
    paper.kubernetes.objects = [{**put_in_place(scaler), "spec": {"minReplicas": 3}}]
    ask = ask_about_removals(paper)
    assert ask.question == "Let the upgrade of cluster-x set back or take away 1 field?"
    assert "spec.minReplicas: 3 → 1" in ask.card.details[0].lines[0]


def test_a_changed_trust_domain_blocks_the_gate() -> None:
    """Every identity would change."""
    paper = start_paper()
    live = render_control_plane(OLD, trustDomain="cluster.local")
    paper.kubernetes.objects = list(live)
    outcome = paper.run(approve)
    assert isinstance(outcome, Blocked)
    assert "change the mesh's trust domain from cluster.local" in outcome.why


def test_a_strict_mesh_stays_strict() -> None:
    """The default is what is in force."""
    paper = start_paper(**{"prepare/mtls": "STRICT"})
    assert ask_for(paper).card.details[0].lines[-1] == "  --set values.global.mtls.enabled=true"
