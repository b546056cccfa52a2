"""What the apply would remove: asked about, kept, removed by the bot itself."""

from __future__ import annotations

from dataclasses import replace

import yaml

from steps.contract.ports import ProgramEnded
from steps.contract.step import Ask, Decision, Done
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import approve, approve_departures
from steps.phases.control_plane.keeping import KEEP_ALL
from tests.unit.steps.builders import NEW, make_control_plane
from tests.unit.steps.install.test_istioctl_output import GOOD
from tests.unit.steps.paper import Paper, decide, start_paper
from tests.unit.steps.paper_records import render_control_plane
from tests.unit.steps.phases.control_plane.upgrades import (
    REMOVED,
    RUN,
    ask_about_removals,
    ask_for,
    put_in_place,
    removing,
)


def remove(paper: Paper) -> Paper:
    """Go through gate and apply, with every object of the record in place."""
    ask = ask_about_removals(paper)
    assert isinstance(paper.run(approve_departures, decide("approve", ask.digest)), Done)
    assert isinstance(paper.run(approve, decide("approve", ask_for(paper).digest)), Done)
    paper.kubernetes.workloads = make_control_plane(NEW)
    paper.kubernetes.objects += [put_in_place(made) for made in render_control_plane(NEW)]
    paper.tools.runs[RUN] = ProgramEnded(0, GOOD)
    assert isinstance(paper.run(apply), Done)
    return paper


def test_a_removal_has_a_gate_of_its_own() -> None:
    """A component that the flags switch off."""
    ask = ask_about_removals(removing())
    assert ask.question == f"Let the upgrade of cluster-x remove {REMOVED}?"
    assert ask.card.details[0].lines == (REMOVED,)
    again = "remove 1 object, where what is removed comes back only from the backup?"
    assert ask.choices[0].confirm == f"Let the upgrade of cluster-x {again}"


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
    paper.tools.runs[RUN] = ProgramEnded(0, GOOD)
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
