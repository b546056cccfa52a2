"""A control plane that somebody else keeps: found, named, refused unless accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from steps.contract.step import Blocked, Decision, Done, Outcome
from steps.notes.prepare import CHECKS, PROPOSAL_LINES
from steps.phases.control_plane.approvals import refuse_control_plane
from steps.phases.owned_plane import ACCEPT
from steps.phases.prepare import identify, inspect
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_cluster import START

FLUX = {"kustomize.toolkit.fluxcd.io/name": "mesh", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
OPERATOR = {
    "apiVersion": "install.istio.io/v1alpha2",
    "kind": "IstioControlPlane",
    "metadata": {"name": "example-istiocontrolplane", "namespace": "istio-operator"},
}


def marked(kind: str, labels: dict[str, str], **annotations: str) -> dict[str, Any]:
    """An object of istio-system."""
    metadata = {"name": "istio", "namespace": "istio-system", "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


OWNED = [
    (OPERATOR, "IstioControlPlane istio-operator/example-istiocontrolplane"),
    (marked("ConfigMap", FLUX), "Flux (Kustomization flux-system/mesh) keeps ConfigMap/istio of istio-system"),
    (marked("Service", {"argocd.argoproj.io/instance": "mesh"}), "Argo CD (mesh) keeps Service/istio"),
    (marked("ConfigMap", {"app.kubernetes.io/managed-by": "configmanagement.gke.io"}), "Config Sync keeps"),
]
NOT_OWNED = [
    marked("ConfigMap", {"app.kubernetes.io/managed-by": "Helm"}),
    marked("ConfigMap", {"release": "istio", "heritage": "Tiller"}),
]


def found(*objects: dict[str, Any]) -> Paper:
    """An upgrade that has just been started on a cluster with these objects."""
    paper = start_paper()
    paper.memory.values.clear()
    paper.kubernetes.pods = []
    paper.kubernetes.objects.extend(objects)
    paper.run(identify)
    return paper


def accepted(paper: Paper) -> Outcome:
    """What prepare answers once an approver has accepted what it showed."""
    return paper.run(inspect, Decision(ACCEPT.id, "U0BEN00002", START, reason="the operator is scaled to 0"))


@pytest.mark.weather("an operator or a GitOps tool keeps the control plane")
@pytest.mark.parametrize(("obj", "named"), OWNED)
def test_an_owner_stops_prepare_with_its_name(obj: dict[str, Any], named: str) -> None:
    """Before anything was approved."""
    outcome = found(obj).run(inspect)
    assert isinstance(outcome, Blocked)
    assert named in outcome.why
    assert outcome.choices == (ACCEPT,)


@pytest.mark.parametrize(("obj", "named"), OWNED)
def test_an_accepted_owner_stands_on_the_proposal_and_stops_nothing_more(obj: dict[str, Any], named: str) -> None:
    """With who accepted it and why."""
    paper = found(obj)
    paper.run(inspect)
    assert isinstance(accepted(paper), Done)
    checks = paper.context().recall(CHECKS) or ()
    (told,) = [check.sentence for check in checks if check.name == "control plane's owner"]
    assert named in told
    assert told.endswith("(accepted by {person U0BEN00002}: the operator is scaled to 0)")
    assert refuse_control_plane(paper.context()) is None


@pytest.mark.parametrize("obj", NOT_OWNED)
def test_what_any_chart_writes_is_no_owner(obj: dict[str, Any]) -> None:
    """istioctl's own manifests come from charts."""
    assert isinstance(found(obj).run(inspect), Done)


def test_an_owner_that_comes_later_stops_the_apply() -> None:
    """What was accepted holds for what was shown and for no other."""
    paper = found(OPERATOR)
    paper.run(inspect)
    accepted(paper)
    paper.kubernetes.objects.append(OWNED[1][0])
    outcome = refuse_control_plane(paper.context())
    assert isinstance(outcome, Blocked)
    assert ("Flux" in outcome.why, "IstioControlPlane" in outcome.why) == (True, False)


def test_a_workloads_marks_count_too() -> None:
    """By what is read of it anyway."""
    paper = found()
    first, *others = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, labels={**first.labels, **FLUX}), *others)
    outcome = paper.run(inspect)
    assert isinstance(outcome, Blocked)
    assert f"keeps {first.ref.kind}/{first.ref.name} of istio-system" in outcome.why


def test_a_mere_proposal_only_tells_of_an_owner() -> None:
    """Nobody could accept it there."""
    paper = found(OPERATOR)
    paper.context().remember(PROPOSAL_LINES, ("[clusters.cluster-x]",))
    assert isinstance(paper.run(inspect), Done)
