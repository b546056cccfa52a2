"""The backup before the apply."""

from __future__ import annotations

import json

import yaml

from steps.contract.step import Done, Waiting
from steps.phases.control_plane.phase import back_up
from tests.unit.steps.builders import OLD
from tests.unit.steps.paper import start_paper
from tests.unit.steps.paper_records import render_control_plane


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
