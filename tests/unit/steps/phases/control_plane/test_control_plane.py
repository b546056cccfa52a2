"""The control-plane phase: gate, backup, apply, wait."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml

from steps.contract.errors import GiveUp
from steps.contract.options import UpgradeOptions
from steps.contract.ports import Ended, ForbiddenRead, KubectlCall, Running, Verdict
from steps.contract.record import Leaf, ObjectKey, Record
from steps.contract.step import Ask, Blocked, Decision, Done, Waiting
from steps.install.record.rendered import VERSION_LABEL
from steps.mesh import Event, Operation
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import KEEP_ALL, approve, approve_departures, approve_mtls
from steps.phases.control_plane.judgement import TRIES
from steps.phases.control_plane.missing import find_unapplied
from steps.phases.control_plane.phase import back_up
from steps.phases.control_plane.replacement import roll_out
from tests.unit.steps.builders import NEW, OLD, make_control_plane, make_pod
from tests.unit.steps.install.test_istioctl_output import BAD, GOOD, WARNED
from tests.unit.steps.paper import Paper, decide, record_objects, render_control_plane, start_paper

RUN = "cluster-x-1-apply-3"
REMOVED = "Deployment istio-system/prometheus"
REFUSED = "The connection to the server 10.0.0.1 was refused - did you specify the right host or port?"
FORBIDDEN = """\
Error from server (Forbidden): error when applying patch:
{}
to:
Resource: "apps/v1, Resource=deployments", GroupVersionKind: "apps/v1, Kind=Deployment"
Name: "istio-pilot", Namespace: "istio-system"
for: "STDIN": deployments.apps "istio-pilot" is forbidden: User "bot" cannot patch resource "deployments"
"""


def failed(stderr: str) -> KubectlCall:
    """One write of kubectl that ended so."""
    return KubectlCall("apply", "Pilot", "passed", 1, stderr=stderr)


def ended(code: int | None, output: str, version: str = NEW, timed_out: bool = False, stderr: str = "") -> Paper:
    """An upgrade whose istioctl has ended so, with the cluster on a version, and what its kubectl complained of."""
    paper = approved()
    paper.tools.calls[RUN] = (failed(stderr),) if stderr else (KubectlCall("apply", "Pilot", "passed", 0),)
    paper.kubernetes.workloads = make_control_plane(version)
    paper.kubernetes.objects = [put_in_place(made) for made in render_control_plane(version)]
    paper.tools.runs[RUN] = Ended(code, output, timed_out)
    return paper


def approved(**memory: Any) -> Paper:
    """An upgrade whose apply was approved as it would be handed over now."""
    paper = start_paper(**memory)
    ask = paper.run(approve)
    assert isinstance(ask, Ask)
    assert isinstance(paper.run(approve, decide("approve", ask.digest)), Done)
    return paper


def put_in_place(rendered: dict[str, Any]) -> dict[str, Any]:
    """A live object as kubectl apply leaves it, with the server's own spelling of a field."""
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(rendered)}
    return {**rendered, "metadata": {**rendered["metadata"], "annotations": annotations}}


def replaced() -> Paper:
    """An upgrade whose control plane is on the target."""
    paper = start_paper(**{"control-plane/ingress": "203.0.113.7"})
    paper.kubernetes.workloads = make_control_plane(NEW)
    return paper


def ask_for(paper: Paper) -> Ask:
    """The gate's question."""
    ask = paper.run(approve)
    assert isinstance(ask, Ask)
    return ask


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
    assert dict(ask_for(start_paper()).card.facts)["way back"] == "no rollback: not looked for on paper"


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


def removing(*names: str) -> Paper:
    """An upgrade whose flags switch a component off, and its objects in the cluster."""
    paper = start_paper()
    paper.tools.disabled = ("Prometheus",)
    labels = {"operator.istio.io/component": "Prometheus"}
    for name in names or ("prometheus",):
        metadata = {"name": name, "namespace": "istio-system", "labels": labels, "uid": f"uid-{name}"}
        paper.kubernetes.objects.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata})
    return paper


def ask_about_removals(paper: Paper) -> Ask:
    """The question of the gate before the gate."""
    ask = paper.run(approve_departures)
    assert isinstance(ask, Ask)
    return ask


def test_a_removal_has_a_gate_of_its_own() -> None:
    """A component that the flags switch off."""
    ask = ask_about_removals(removing())
    assert ask.question == f"Let the upgrade of cluster-x remove {REMOVED}?"
    assert ask.card.details[0].lines == (REMOVED,)
    assert ask.choices[0].confirm


def test_nothing_to_remove_is_not_asked_about() -> None:
    """Where nothing leaves the guide's path."""
    assert start_paper().run(approve_departures) == Done("")


def test_an_approved_removal_is_named_on_the_card_that_follows() -> None:
    """The question of the phase stays what it is."""
    paper = removing()
    decision = decide("approve", ask_about_removals(paper).digest)
    assert isinstance(paper.run(approve_departures, decision), Done)
    ask = ask_for(paper)
    assert ask.question == "Replace the control plane of cluster-x by 1.4.10-asm.18?"
    assert ask.card.risks[0] == f"{REMOVED} will be removed."


def test_a_removal_that_came_later_stands_in_the_question() -> None:
    """The first gate was passed with nothing to remove."""
    paper = removing()
    late, paper.kubernetes.objects = paper.kubernetes.objects, []
    assert paper.run(approve_departures) == Done("")
    paper.kubernetes.objects = late
    assert ask_for(paper).question.endswith(f", and remove {REMOVED}?")


def test_another_removal_voids_the_approval() -> None:
    """What was approved is what was named."""
    paper = removing()
    ask = ask_about_removals(paper)
    (made,) = paper.kubernetes.objects
    paper.kubernetes.objects.append({**made, "metadata": {**made["metadata"], "name": "grafana"}})
    again = paper.run(approve_departures, Decision("approve", "U0BEN00002", paper.now, ask.digest, binding=ask.binding))
    assert isinstance(again, Ask)
    assert again.moved[0].startswith("removals was ")


def remove(paper: Paper) -> Paper:
    """Go through gate and apply, with every object of the record in place."""
    ask = ask_about_removals(paper)
    assert isinstance(paper.run(approve_departures, decide("approve", ask.digest)), Done)
    assert isinstance(paper.run(approve, decide("approve", ask_for(paper).digest)), Done)
    paper.kubernetes.workloads = make_control_plane(NEW)
    paper.kubernetes.objects += [put_in_place(made) for made in render_control_plane(NEW)]
    paper.tools.runs[RUN] = Ended(0, GOOD)
    assert isinstance(paper.run(apply), Done)
    return paper


def test_the_bot_itself_removes_what_was_approved() -> None:
    """After a right apply, with a copy kept."""
    paper = remove(removing())
    assert paper.kubernetes.writes == ["delete Deployment prometheus"]
    kept = yaml.safe_load(paper.backups.files["removed-Deployment-istio-system-prometheus.yaml"])
    assert kept["metadata"]["name"] == "prometheus"


def test_a_person_keeps_all_that_would_be_removed() -> None:
    """Then there is nothing to remove, and nothing is asked about it."""
    paper = removing("prometheus", "grafana")
    ask = ask_about_removals(paper)
    keep = replace(decide(KEEP_ALL.id, ask.digest), binding=ask.binding)
    assert paper.run(approve_departures, keep) == Done("")
    assert ask_for(paper).question == "Replace the control plane of cluster-x by 1.4.10-asm.18?"


def test_a_person_keeps_one_of_what_would_be_removed() -> None:
    """The question is asked again about the rest."""
    paper = removing("prometheus", "grafana")
    ask = ask_about_removals(paper)
    assert [choice.id for choice in ask.choices][1] == "keep:Deployment/istio-system/grafana"
    keep = replace(decide(ask.choices[1].id, ask.digest), binding=ask.binding)
    again = paper.run(approve_departures, keep)
    assert isinstance(again, Ask)
    assert again.question == f"Let the upgrade of cluster-x remove {REMOVED}?"


def test_what_was_born_anew_after_the_approval_stays() -> None:
    """It is another object, whatever its name."""
    paper = removing()
    ask = ask_about_removals(paper)
    paper.run(approve_departures, decide("approve", ask.digest))
    paper.run(approve, decide("approve", ask_for(paper).digest))
    (made,) = paper.kubernetes.objects
    anew = {**made, "metadata": {**made["metadata"], "uid": "another"}}
    paper.kubernetes.objects = [anew, *(put_in_place(one) for one in render_control_plane(NEW))]
    paper.kubernetes.workloads = make_control_plane(NEW)
    paper.tools.runs[RUN] = Ended(0, GOOD)
    assert isinstance(paper.run(apply), Done)
    assert paper.kubernetes.writes == []
    assert paper.said == [f"{REMOVED} was born anew after the approval, so it stays"]


def test_an_object_that_is_rendered_no_more_is_a_removal() -> None:
    """kubectl's prune takes what carries its annotation."""
    paper = start_paper()
    metadata = {
        "name": "istio-old", "namespace": "istio-system", "labels": {"operator.istio.io/component": "Pilot"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    }  # fmt: skip
    paper.kubernetes.objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}]
    assert "ConfigMap istio-system/istio-old" in ask_for(paper).question


def test_an_object_without_kubectls_annotation_is_not_pruned() -> None:
    """Prune leaves it alone, so it is no removal."""
    paper = start_paper()
    metadata = {"name": "own", "namespace": "istio-system", "labels": {"operator.istio.io/component": "Pilot"}}
    paper.kubernetes.objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}]
    assert isinstance(paper.run(approve), Ask)


def test_a_recording_that_fails_blocks_with_its_output() -> None:
    """istioctl's own first words; nothing was written."""
    paper = start_paper()
    paper.tools.recording_end = Ended(
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
    paper.tools.recording_end = Ended(255, "")
    paper.tools.recording_calls = (KubectlCall("get", "Kiali", "passed", 1, stderr="forbidden", forbidden=missing),)
    assert any("serving.knative.dev" in risk for risk in ask_for(paper).card.risks)


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


def test_a_strict_mesh_stays_strict() -> None:
    """The default is what is in force."""
    paper = start_paper(**{"prepare/mtls": "STRICT"})
    assert ask_for(paper).card.details[0].lines[-1] == "  --set values.global.mtls.enabled=true"


def test_the_backup_goes_on_until_every_kind_is_kept() -> None:
    """A few kinds a turn; empty kinds leave no file."""
    paper = start_paper()
    paper.kubernetes.objects = list(render_control_plane(OLD))
    outcome = paper.run(back_up)
    while isinstance(outcome, Waiting):
        outcome = paper.run(back_up)
    assert isinstance(outcome, Done)
    assert set(paper.backups.files) == {
        "v1-ConfigMap-istio-system.yaml",
        "apps_v1-Deployment-istio-system.yaml",
        "apps_v1-DaemonSet-istio-system.yaml",
        "install.json",
    }


def test_a_backup_can_be_applied_again() -> None:
    """Without what only the server writes."""
    paper = start_paper()
    (config, *_) = render_control_plane(OLD)
    written = {"uid": "u", "resourceVersion": "9", "managedFields": []}
    paper.kubernetes.objects = [{**config, "metadata": {**config["metadata"], **written}, "status": {"a": 1}}]
    while isinstance(paper.run(back_up), Waiting):
        pass
    kept = yaml.safe_load(paper.backups.files["v1-ConfigMap-istio-system.yaml"])
    assert kept == config


def test_the_backup_keeps_the_options_of_the_install() -> None:
    """For the way back."""
    paper = start_paper(**{"prepare/options": ["values.tracing.enabled=true"]})
    while isinstance(paper.run(back_up), Waiting):
        pass
    kept = json.loads(paper.backups.files["install.json"])
    assert (kept["version"], kept["mTLS"], kept["set flags"]) == (OLD, "PERMISSIVE", ["values.tracing.enabled=true"])


def test_istioctl_is_started_with_the_record_that_was_approved() -> None:
    """Once an approval, after one more recording."""
    paper = approved()
    assert isinstance(paper.run(apply), Waiting)
    ((run_id, arguments),) = paper.tools.started
    assert (run_id, arguments[:2]) == (RUN, ("manifest", "apply"))
    assert paper.tools.applied[RUN].digest == paper.memory.values["control-plane/approved-apply"]["record"]  # type: ignore[index,call-overload]


def test_what_no_gate_showed_is_asked_about_before_the_start() -> None:
    """An upgrade that an earlier version of the bot approved, or one whose cluster moved since."""
    paper = start_paper()
    asked = paper.run(apply)
    assert isinstance(asked, Ask)
    assert asked.moved == ("the bot now also checks what istioctl hands to kubectl",)
    assert isinstance(paper.run(apply, decide("approve", asked.digest)), Waiting)
    assert len(paper.tools.started) == 1


def test_an_approval_that_became_too_old_is_asked_for_again_before_the_start() -> None:
    """After a night in which it was paused or blocked."""
    paper = approved()
    paper.approval_ended = paper.now - timedelta(hours=1)
    asked = paper.run(apply)
    assert isinstance(asked, Ask)
    assert asked.moved == (f"its approval counted until {paper.approval_ended:%Y-%m-%d %H:%M} UTC",)
    assert paper.tools.started == []
    paper.approval_ended = None
    assert isinstance(paper.run(apply, decide("approve", asked.digest)), Waiting)


def test_a_removal_that_came_after_the_approval_is_asked_about() -> None:
    """The apply itself asks; the plan doesn't go back."""
    paper = approved()
    paper.tools.disabled = ("Prometheus",)
    paper.tools.runs, paper.tools.recorded = {}, {}
    paper.kubernetes.objects += removing().kubernetes.objects
    asked = paper.run(apply)
    assert isinstance(asked, Ask)
    assert asked.question.endswith(f", and remove {REMOVED}?")


def test_another_record_a_moment_later_blocks() -> None:
    """Nothing is written then."""
    paper = approved()
    paper.tools.manifest = render_control_plane(NEW, extra="x")
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istioctl hands over something else than a moment ago"
    assert paper.tools.started == []


def test_a_call_that_the_guard_refused_blocks_with_its_sentence() -> None:
    """istioctl wanted to write something that nobody approved."""
    paper = ended(255, BAD)
    paper.tools.calls[RUN] = (KubectlCall("apply", "Pilot", "refused", 1, "v1/ConfigMap/a/b is not as approved"),)
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istioctl wanted more than was approved: v1/ConfigMap/a/b is not as approved"


def test_a_running_istioctl_is_adopted() -> None:
    """No second start after a restart of the bot; its components are shown."""
    paper = start_paper()
    paper.tools.runs[RUN] = Running(12.0, GOOD.partition("✔ Finished applying manifest for component Pilot")[0])
    outcome = paper.run(apply)
    assert isinstance(outcome, Waiting)
    assert paper.tools.started == []
    assert outcome.details == ("Base: applied", "Galley: applying", "Pilot: applying")


def test_a_retry_starts_istioctl_anew() -> None:
    """A retry raises the generation."""
    paper = ended(255, BAD, OLD)
    paper.generation = 4
    paper.run(apply)
    assert [run for run, _ in paper.tools.started] == ["cluster-x-1-apply-4"]


def test_an_apply_that_went_well_is_done() -> None:
    """Exit 0 and every image in place."""
    outcome = ended(0, GOOD).run(apply)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "istioctl manifest apply has ended"


def test_an_end_that_nobody_saw_is_judged_by_the_cluster() -> None:
    """The bot was down: the images decide."""
    assert isinstance(ended(None, GOOD).run(apply), Done)
    assert isinstance(ended(None, "", OLD).run(apply), Waiting)


def test_255_over_warnings_is_done_where_the_cluster_agrees() -> None:
    """kubectl's deprecations are no failure."""
    outcome = ended(255, WARNED).run(apply)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "istioctl manifest apply has ended (exit 255; every object is in place)"


def test_an_object_that_was_not_applied_is_named() -> None:
    """istioctl was killed after the workloads and before the mesh config."""
    paper = ended(1, "")
    _, *rest = paper.kubernetes.objects
    paper.kubernetes.objects = rest
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istioctl manifest apply ended (exit 1), but ConfigMap istio-system/istio was not applied"


def test_what_an_unseen_end_left_out_is_applied_without_asking() -> None:
    """The bot was down; objects are merely missing, and nobody has to be woken for that."""
    paper = ended(None, "")
    _, *rest = paper.kubernetes.objects
    paper.kubernetes.objects = rest
    outcome = paper.run(apply)
    assert isinstance(outcome, Waiting)
    assert outcome.why == "1 object could not be applied (its end was not seen): applying again, 2 of 8"


def test_an_object_that_was_applied_with_other_content_is_named() -> None:
    """Its name alone is not enough."""
    paper = ended(1, "")
    config, *rest = render_control_plane(NEW, accessLogFile="/dev/stdout")
    paper.kubernetes.objects = [put_in_place(made) for made in (config, *rest)]
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert "ConfigMap istio-system/istio was not applied" in outcome.why


def test_the_releases_label_tells_where_nothing_else_of_an_object_differs() -> None:
    """A part of Base that never got there looks like the old one in all but its label."""
    wanted, old = (
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "reader", "labels": {VERSION_LABEL: version}},
        }
        for version in (NEW, OLD)
    )
    record = record_objects([wanted])
    assert find_unapplied(record, [put_in_place(wanted)]) == ()
    assert find_unapplied(record, [put_in_place(old)]) == ("ServiceAccount reader",)
    assert find_unapplied(record, [old]) == ("ServiceAccount reader",)


def make_kiali(texts: dict[str, str]) -> dict[str, Any]:
    """Its ConfigMap."""
    metadata = {"name": "kiali", "namespace": "istio-system", "labels": {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": texts}


@pytest.mark.parametrize(
    ("applied", "there"),
    [
        ({"login_token": "ijklmnop"}, True),
        ({"login_token": "ijklmnop", "a": "1"}, True),
        ({"a": "1"}, False),
        ({}, False),
    ],
)
def test_a_leaf_that_is_made_anew_is_another_text_by_now(applied: dict[str, str], there: bool) -> None:
    """The apply has its own; where there is none, nothing was applied."""
    known = make_kiali({"login_token": "abcdefgh"})
    leaf = Leaf(ObjectKey("v1", "ConfigMap", "istio-system", "kiali"), ("data", "login_token"))
    record = record_objects([known]).with_renewed((leaf,))
    assert (find_unapplied(record, [put_in_place(make_kiali(applied))]) == ()) is there


def test_a_fault_of_the_connection_is_judged_by_the_cluster() -> None:
    """A retry may have put everything in place though one request failed."""
    assert isinstance(ended(255, BAD, stderr=REFUSED).run(apply), Done)


def test_an_object_that_failed_is_named_with_its_cause() -> None:
    """kubectl's last line, and the remedy that fits it."""
    outcome = ended(255, BAD, OLD, stderr=FORBIDDEN).run(apply)
    assert isinstance(outcome, Blocked)
    assert 'Deployment istio-system/istio-pilot: deployments.apps "istio-pilot" is forbidden' in outcome.why
    assert outcome.remedy.startswith("Let the bot's account do what the message names.")
    assert outcome.attachments[0].text == BAD


def test_255_is_done_where_every_object_of_the_record_is_in_place() -> None:
    """The record against the cluster decides, not istioctl's exit code."""
    assert isinstance(ended(255, BAD).run(apply), Done)


def test_exit_0_over_old_images_blocks() -> None:
    """istioctl says it is complete, the cluster disagrees."""
    outcome = ended(0, GOOD, OLD).run(apply)
    assert isinstance(outcome, Blocked)
    assert "Deployment istio-system/istio-galley was not applied and 4 more" in outcome.why


@pytest.mark.parametrize(
    ("code", "output"), [(64, "Error: unknown flag: --nope"), (1, ""), (127, "not found"), (2, "panic: runtime error")]
)
def test_any_other_end_blocks(code: int, output: str) -> None:
    """With its code."""
    outcome = ended(code, output, OLD).run(apply)
    assert isinstance(outcome, Blocked)
    assert f"ended (exit {code})" in outcome.why


def test_a_killed_istioctl_is_told_as_such() -> None:
    """-9 is no exit code that people know."""
    paper = ended(-9, "", OLD)
    outcome = paper.run(apply)
    assert isinstance(outcome, Waiting)
    assert "(killed by signal 9): applying again, 2 of 8" in outcome.why


def test_an_apply_that_lost_some_requests_is_repeated() -> None:
    """Nothing but the connection failed, and objects are missing."""
    paper = ended(255, BAD, OLD, stderr=REFUSED)
    outcome = paper.run(apply)
    assert isinstance(outcome, Waiting)
    assert outcome.why.startswith("5 objects could not be applied (The connection to the server 10.0.0.1 was refused")
    paper.run(apply)
    assert [run for run, _ in paper.tools.started] == [f"{RUN}-2"]


def test_a_repeated_apply_goes_on_outside_its_window() -> None:
    """A begun apply is ended: half a control plane is worse."""
    paper = ended(255, BAD, OLD, stderr=REFUSED)
    paper.run(apply)
    for _ in range(2):  # one more recording first
        apply(replace(paper.context(), hold="the window has closed"))
    assert [run for run, _ in paper.tools.started] == [f"{RUN}-2"]


@pytest.mark.parametrize(
    "call",
    [KubectlCall("apply", "Pilot", "unknown", None), KubectlCall("apply", "Pilot", "passed", 137)],
    ids=["our own kubectl", "the real one"],
)
def test_a_kubectl_that_was_killed_is_no_reason_to_wake_anybody(call: KubectlCall) -> None:
    """Whichever of the two it was, at whichever call."""
    paper = ended(255, BAD, OLD)
    paper.tools.calls[RUN] = (call,)
    assert isinstance(paper.run(apply), Waiting)


def test_a_base_that_could_not_be_waited_for_is_applied_again() -> None:
    """istioctl asks the API server itself there, once; kubectl complained of nothing."""
    said = (
        "Component Base - manifest apply returned the following errors:\n"
        'Error: resources not ready after 5m0s: Get "https://10.0.0.1/": dial tcp 10.0.0.1:443: connect: connection '
        "refused\n"
    )
    assert isinstance(ended(255, said, OLD).run(apply), Waiting)


@pytest.mark.parametrize("verdict", ["unknown", "passed"])
def test_a_recording_whose_kubectl_was_killed_is_made_again(verdict: Verdict) -> None:
    """It changes nothing."""
    paper = start_paper()
    paper.tools.recording_end = Ended(255, "")
    paper.tools.recording_calls = (KubectlCall("apply", "Pilot", verdict, 137),)
    assert isinstance(paper.run(approve), Waiting)


def test_an_apply_is_not_repeated_for_ever() -> None:
    """Then a person decides."""
    paper = ended(255, BAD, OLD, stderr=REFUSED)
    for tries in range(2, TRIES + 1):
        paper.run(apply)
        paper.tools.runs[f"{RUN}-{tries}"] = Ended(255, BAD)
        paper.tools.calls[f"{RUN}-{tries}"] = (failed(REFUSED),)
    assert isinstance(paper.run(apply), Blocked)


def test_a_retry_counts_its_applies_anew() -> None:
    """It raises the generation."""
    paper = ended(255, BAD, OLD, stderr=REFUSED)
    paper.run(apply)
    paper.generation = 4
    paper.run(apply)
    assert paper.tools.started[-1][0] == "cluster-x-1-apply-4"


def test_an_apply_past_its_limit_blocks() -> None:
    """It was ended by the bot."""
    outcome = ended(None, GOOD, NEW, timed_out=True).run(apply)
    assert isinstance(outcome, Blocked)
    assert "time limit" in outcome.why


def test_a_replaced_control_plane_is_done() -> None:
    """The milestone sentence."""
    outcome = replaced().run(roll_out)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "control plane replaced: 5 workloads on 1.4.10-asm.18, promsd rolled out"


def test_a_rollout_in_progress_waits_with_the_guides_table() -> None:
    """The sentence names what is missing."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    paper.kubernetes.pods = [make_pod("istio-galley-1-a")]
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert outcome.why == "control plane: istio-galley: 1 of 2 pods updated"
    assert outcome.details[0].split() == ["NAME", "READY", "STATUS", "AGE", "VERSION"]


def test_a_terminating_pod_is_waited_for() -> None:
    """status.replicas leaves it out."""
    paper = replaced()
    paper.kubernetes.pods = [make_pod("istio-pilot-7-x", terminating=True)]
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert outcome.why == "control plane: istio-pilot-7-x is terminating"


def test_a_pod_that_terminates_too_long_blocks() -> None:
    """Since when is remembered across turns."""
    paper = replaced()
    paper.kubernetes.pods = [make_pod("istio-pilot-7-x", terminating=True)]
    paper.run(roll_out)
    paper.advance(timedelta(minutes=10))
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istio-pilot-7-x is terminating for more than 10 min"


def test_the_ca_bundle_is_waited_for() -> None:
    """Apply resets it."""
    paper = replaced()
    paper.kubernetes.ca_bundle = False
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert "no CA bundle yet" in outcome.why


def test_an_unschedulable_pod_is_named_while_it_waits() -> None:
    """A cluster autoscaler may help within minutes."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    paper.kubernetes.pods = [make_pod("istio-galley-1-a", ready=0, problem="Unschedulable: 0/4 nodes are available")]
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Waiting)
    assert outcome.details[-1].startswith("istio-galley-1-a can't be scheduled")


def test_an_unschedulable_pod_blocks_in_the_end() -> None:
    """With its remedy."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    paper.kubernetes.pods = [make_pod("istio-galley-1-a", ready=0, problem="Unschedulable: 0/4 nodes are available")]
    paper.waited = timedelta(minutes=10)
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert "Add a node" in outcome.remedy


def test_a_stalled_pod_s_events_come_as_a_file() -> None:
    """So that nobody has to look for them."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, updated=1), *rest)
    paper.kubernetes.pods = [make_pod("istio-galley-1-a", ready=1)]
    paper.kubernetes.events["istio-galley-1-a"] = (Event("Warning", "Unhealthy", "Readiness probe failed: 503", 7),)
    paper.waited = timedelta(minutes=10)
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert outcome.attachments[1].text == "Warning Unhealthy x7: Readiness probe failed: 503\n"


def test_a_control_plane_that_somebody_changed_blocks() -> None:
    """Its images were right when istioctl ended."""
    paper = replaced()
    paper.kubernetes.workloads = make_control_plane(OLD)
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith("after istioctl had put the rendered images in place, istio-galley/galley is on")


def test_the_wait_has_an_end_that_grows_with_the_nodes() -> None:
    """20 minutes and one for each node's agent."""
    paper = replaced()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, available=1), *rest)
    paper.waited = timedelta(minutes=21)
    assert isinstance(paper.run(roll_out), Waiting)
    paper.waited = timedelta(minutes=22)
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Blocked)
    assert "not rolled out after 22 min" in outcome.why


def test_a_changed_ingress_address_is_told() -> None:
    """DNS may name the old one."""
    paper = replaced()
    paper.kubernetes.ingress = "198.51.100.1"
    outcome = paper.run(roll_out)
    assert isinstance(outcome, Done)
    assert "the ingress address was 203.0.113.7 and is now 198.51.100.1" in outcome.sentence
