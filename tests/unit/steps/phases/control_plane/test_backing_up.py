"""The backup before the apply."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from steps.contract.step import Blocked, Done, Outcome, Waiting
from steps.phases.control_plane.backing_up import LARGEST_FILE, back_up
from tests.unit.steps.builders import NEW, OLD, make_control_plane
from tests.unit.steps.paper import Paper, start_paper
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
        "SHA256SUMS",
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
    assert "values.tracing.enabled=true" in kept["arguments of that install"]
    assert kept["arguments of this upgrade"] == ["manifest", "apply"]


def keep_all(paper: Paper) -> Outcome:
    """Back up to the end."""
    while isinstance(outcome := paper.run(back_up), Waiting):
        pass
    return outcome


def test_the_backup_is_offered_as_one_file() -> None:
    """With every object that was kept."""
    paper = start_paper()
    paper.kubernetes.objects = list(render_control_plane(OLD))
    outcome = keep_all(paper)
    assert isinstance(outcome, Done)
    (file,) = outcome.attachments
    found = [one for one in yaml.safe_load_all(file.text) if one]
    assert (file.name, len(found)) == ("cluster-x-1-backup.yaml", sum(read_counts(paper).values()))


def read_counts(paper: Paper) -> dict[str, int]:
    """How many objects of each kind are in the backup."""
    counts: Any = paper.memory.recall("control-plane/backup")
    return dict(counts)


@pytest.mark.parametrize("text", ["password: hunter2hunter2", "x" * LARGEST_FILE])
def test_a_file_that_slack_would_not_get_whole_is_none(text: str) -> None:
    """What looks like a secret is blotted out there, and the middle of a long text is cut; the command is named."""
    paper = start_paper()
    paper.kubernetes.objects = [{**next(iter(render_control_plane(OLD))), "data": {"mesh": text}}]
    outcome = keep_all(paper)
    assert isinstance(outcome, Done)
    assert outcome.attachments == ()
    assert "`asm-upgrade export cluster-x-1 --backup`" in outcome.sentence


def test_a_control_plane_that_moved_is_not_backed_up() -> None:
    """Somebody applied by hand, or the journal is an older copy: what was before would be lost under its name."""
    paper = start_paper(**{"prepare/plane": {str(one.ref): dict(one.images) for one in make_control_plane(OLD)}})
    paper.kubernetes.workloads = make_control_plane(NEW)
    outcome = paper.run(back_up)
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith("the control plane moved since this upgrade was prepared: ")
    assert paper.backups.files == {}


def test_a_backup_of_another_life_is_told_and_stays() -> None:
    """A state folder restored from an older copy counts its upgrades anew, and their folders are there."""
    paper = start_paper()
    paper.kubernetes.objects = list(render_control_plane(OLD))
    paper.backups.files["apps_v1-Deployment-istio-system.yaml"] = "kind: Deployment\n"
    outcome = paper.run(back_up)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "/backups/cluster-x-1 holds a backup that this journal knows nothing of"
    assert list(paper.backups.files) == ["apps_v1-Deployment-istio-system.yaml"]


def test_a_backup_that_was_killed_goes_on() -> None:
    """Its own files are no other life's, whether their count was kept or not."""
    paper = start_paper()
    paper.kubernetes.objects = list(render_control_plane(OLD))
    paper.run(back_up)
    paper.memory.revise("control-plane/backup", None)
    assert isinstance(keep_all(paper), Done)
