"""The control-plane phase: gate, backup, apply, wait."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml

from steps.contract.errors import GiveUp, TryAgain
from steps.contract.options import UpgradeOptions
from steps.contract.ports import Ended, ProgramResult, Running
from steps.contract.step import Ask, Blocked, Decision, Done, Waiting
from steps.mesh import Event, Operation
from steps.phases.control_plane.apply import TRIES, apply
from steps.phases.control_plane.phase import approve, approve_mtls, approve_removals, back_up
from steps.phases.control_plane.replacement import roll_out
from tests.unit.steps.builders import NEW, OLD, make_control_plane, make_pod
from tests.unit.steps.install.test_istioctl_output import BAD, GOOD, WARNED
from tests.unit.steps.paper import Paper, decide, render_control_plane, start_paper

RUN = "cluster-x-1-apply-3"
REMOVED = "Deployment istio-system/prometheus"
PASSING = BAD.replace("deployments.apps is forbidden", "Internal error occurred").replace(
    "(Forbidden)", "(InternalError)"
)


def ended(code: int | None, output: str, version: str = NEW, timed_out: bool = False) -> Paper:
    """An upgrade whose istioctl has ended so, with the cluster on a version."""
    paper = start_paper()
    paper.kubernetes.workloads = make_control_plane(version)
    paper.kubernetes.objects = [put_in_place(made) for made in render_control_plane(version)]
    paper.tools.runs[RUN] = Ended(code, output, timed_out)
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
    again = paper.run(approve, Decision("approve", "U0BEN00002", paper.now, ask.digest, binding=ask.binding))
    assert isinstance(again, Ask)
    assert again.moved[0].startswith("rendered manifest was ")


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


def removing(output: str = "- Pruning objects for disabled component Prometheus...\n", code: int = 0) -> Paper:
    """An upgrade whose flags switch a component off; what download saw is remembered."""
    paper = start_paper(**{"download/removals": [REMOVED]})
    paper.tools.dry = ProgramResult(code, output)
    labels = {"operator.istio.io/component": "Prometheus"}
    metadata = {"name": "prometheus", "namespace": "istio-system", "labels": labels}
    paper.kubernetes.objects = [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}]
    return paper


def ask_about_removals(paper: Paper) -> Ask:
    """The question of the gate before the gate."""
    ask = paper.run(approve_removals)
    assert isinstance(ask, Ask)
    return ask


def test_a_removal_has_a_gate_of_its_own() -> None:
    """A component that the flags switch off."""
    ask = ask_about_removals(removing())
    assert ask.question == f"Let the apply remove {REMOVED} from cluster-x?"
    assert ask.card.details[0].lines == (REMOVED,)
    assert ask.choices[0].confirm


def test_nothing_to_remove_is_not_asked_about() -> None:
    """And not looked for again."""
    assert start_paper().run(approve_removals) == Done("")


def test_an_approved_removal_is_named_on_the_card_that_follows() -> None:
    """The question of the phase stays what it is."""
    paper = removing()
    decision = decide("approve", ask_about_removals(paper).digest)
    assert isinstance(paper.run(approve_removals, decision), Done)
    ask = ask_for(paper)
    assert ask.question == "Replace the control plane of cluster-x by 1.4.10-asm.18?"
    assert ask.card.risks[0] == f"The apply would remove {REMOVED}."


def test_a_removal_that_came_later_stands_in_the_question() -> None:
    """The first gate was passed with nothing to remove."""
    paper = removing()
    paper.memory.values["download/removals"] = []
    assert paper.run(approve_removals) == Done("")
    assert ask_for(paper).question.endswith(f", and let the apply also remove {REMOVED}?")


def test_another_removal_voids_the_approval() -> None:
    """What was approved is what was named."""
    paper = removing()
    ask = ask_about_removals(paper)
    (made,) = paper.kubernetes.objects
    paper.kubernetes.objects.append({**made, "metadata": {**made["metadata"], "name": "grafana"}})
    again = paper.run(approve_removals, Decision("approve", "U0BEN00002", paper.now, ask.digest, binding=ask.binding))
    assert isinstance(again, Ask)
    assert again.moved[0].startswith("removals was ")


def test_what_is_removed_is_kept() -> None:
    """Whatever its kind and namespace."""
    paper = removing()
    while isinstance(paper.run(back_up), Waiting):
        pass
    (kept,) = yaml.safe_load_all(paper.backups.files["removed.yaml"])
    assert kept["metadata"]["name"] == "prometheus"


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


def test_a_dry_run_that_fails_blocks_with_its_output() -> None:
    """istioctl's own words."""
    paper = start_paper()
    paper.tools.dry = ProgramResult(255, BAD)
    outcome = paper.run(approve)
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith("the dry run failed: Error from server (Forbidden)")
    assert outcome.attachments[0].text == BAD


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


def test_istioctl_is_started_with_the_arguments_that_were_shown() -> None:
    """Once an approval."""
    paper = start_paper()
    assert isinstance(paper.run(apply), Waiting)
    assert paper.tools.started == [(RUN, ("manifest", "apply"))]


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
    assert isinstance(ended(None, "", OLD).run(apply), Blocked)


def test_255_over_warnings_is_done_where_the_cluster_agrees() -> None:
    """kubectl's deprecations are no failure."""
    outcome = ended(255, WARNED).run(apply)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "istioctl manifest apply has ended (exit 255; every object is in place)"


def test_an_object_that_was_not_applied_is_named() -> None:
    """istioctl was killed after the workloads and before the mesh config."""
    paper = ended(None, "")
    _, *rest = paper.kubernetes.objects
    paper.kubernetes.objects = rest
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert outcome.why == (
        "istioctl manifest apply ended (its end was not seen), but ConfigMap istio-system/istio was not applied"
    )


def test_an_object_that_was_applied_with_other_content_is_named() -> None:
    """Its name alone is not enough."""
    paper = ended(None, "")
    config, *rest = render_control_plane(NEW, accessLogFile="/dev/stdout")
    paper.kubernetes.objects = [put_in_place(made) for made in (config, *rest)]
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert "ConfigMap istio-system/istio was not applied" in outcome.why


def test_a_fault_of_the_connection_is_judged_by_the_cluster() -> None:
    """A retry may have put everything in place though one request failed."""
    assert isinstance(ended(255, PASSING).run(apply), Done)


def test_255_over_an_error_blocks_with_the_detail() -> None:
    """Also where the cluster looks right."""
    outcome = ended(255, BAD).run(apply)
    assert isinstance(outcome, Blocked)
    assert "deployments.apps is forbidden" in outcome.why
    assert outcome.attachments[0].text == BAD


def test_exit_0_over_old_images_blocks() -> None:
    """istioctl says it is complete, the cluster disagrees."""
    outcome = ended(0, GOOD, OLD).run(apply)
    assert isinstance(outcome, Blocked)
    assert "istio-galley/galley is on" in outcome.why


@pytest.mark.parametrize(
    ("code", "output"), [(64, "Error: unknown flag: --nope"), (1, ""), (127, "not found"), (2, "panic: runtime error")]
)
def test_any_other_end_blocks(code: int, output: str) -> None:
    """With its code."""
    outcome = ended(code, output, OLD).run(apply)
    assert isinstance(outcome, Blocked)
    assert f"failed (exit {code})" in outcome.why


def test_a_killed_istioctl_is_told_as_such() -> None:
    """-9 is no exit code that people know."""
    outcome = ended(-9, "", OLD).run(apply)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istioctl manifest apply failed (killed by signal 9): it wrote nothing"


def test_a_dry_run_that_met_a_passing_fault_is_repeated() -> None:
    """It changes nothing."""
    paper = start_paper()
    paper.tools.dry = ProgramResult(255, PASSING)
    with pytest.raises(TryAgain, match="the dry run failed"):
        paper.run(approve)


def test_a_dry_run_that_never_gets_through_is_done_without() -> None:
    """What it would have told of removals is read from the cluster, and said so."""
    paper = removing(PASSING, 255)
    paper.waited = timedelta(seconds=30)
    ask = ask_about_removals(paper)
    assert ask.card.details[0].lines == (REMOVED,)
    assert "dry run did not get through (Error from server (InternalError)" in ask.card.risks[1]


def test_an_apply_that_lost_some_requests_is_repeated() -> None:
    """Nothing but the connection failed, and objects are missing."""
    paper = ended(255, PASSING, OLD)
    outcome = paper.run(apply)
    assert isinstance(outcome, Waiting)
    assert outcome.why.startswith("5 objects could not be applied (Error from server (InternalError)")
    paper.run(apply)
    assert [run for run, _ in paper.tools.started] == [f"{RUN}-2"]


def test_a_repeated_apply_goes_on_outside_its_window() -> None:
    """A begun apply is ended: half a control plane is worse."""
    paper = ended(255, PASSING, OLD)
    paper.run(apply)
    apply(replace(paper.context(), hold="the window has closed"))
    assert [run for run, _ in paper.tools.started] == [f"{RUN}-2"]


def test_an_apply_is_not_repeated_for_ever() -> None:
    """Then a person decides."""
    paper = ended(255, PASSING, OLD)
    for tries in range(2, TRIES + 1):
        paper.run(apply)
        paper.tools.runs[f"{RUN}-{tries}"] = Ended(255, PASSING)
    assert isinstance(paper.run(apply), Blocked)


def test_a_retry_counts_its_applies_anew() -> None:
    """It raises the generation."""
    paper = ended(255, PASSING, OLD)
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
