"""Upgrades on paper at the control plane: approved, ended so and so, replaced."""

from __future__ import annotations

import json
from typing import Any

from steps.contract.ports import KubectlCall, ProgramEnded
from steps.contract.step import Ask, Done
from steps.phases.control_plane.approvals import approve, approve_departures
from tests.unit.steps.builders import NEW, make_control_plane
from tests.unit.steps.paper import Paper, decide, start_paper
from tests.unit.steps.paper_records import render_control_plane

RUN = "cluster-x-1-apply-3"
REMOVED = "Deployment istio-system/prometheus"
REFUSED = "The connection to the server 10.0.0.1 was refused - did you specify the right host or port?"


def failed(stderr: str) -> KubectlCall:
    """One write of kubectl that ended so."""
    return KubectlCall("apply", "Pilot", "passed", 1, stderr=stderr)


def ended(code: int | None, output: str, version: str = NEW, timed_out: bool = False, stderr: str = "") -> Paper:
    """An upgrade whose istioctl has ended so, with the cluster on a version, and what its kubectl complained of."""
    paper = approved()
    paper.tools.calls[RUN] = (failed(stderr),) if stderr else (KubectlCall("apply", "Pilot", "passed", 0),)
    paper.kubernetes.workloads = make_control_plane(version)
    paper.kubernetes.objects = [put_in_place(made) for made in render_control_plane(version)]
    paper.tools.runs[RUN] = ProgramEnded(code, output, timed_out)
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


def ask_for(paper: Paper) -> Ask:
    """The gate's question."""
    ask = paper.run(approve)
    assert isinstance(ask, Ask)
    return ask


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
