"""The files that a hosting service and a contributor's git read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml


def read_yaml(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(path.read_text())
    return read


@pytest.fixture(scope="module")
def workflow(project_root: Path) -> dict[str, Any]:
    """Give the hosted workflow."""
    return read_yaml(project_root / ".github" / "workflows" / "ci.yml")


def test_the_hosted_workflow_runs_what_everybody_runs(workflow: dict[str, Any]) -> None:
    """It has no commands of its own beside .ci/run."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_the_hosted_workflow_only_reads(workflow: dict[str, Any]) -> None:
    """Its token writes nothing, and what others wrote is pinned by commit and leaves no credentials behind."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    assert workflow["permissions"] == {"contents": "read"}
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]) for step in steps)
    assert all(step["with"]["persist-credentials"] is False for step in steps)


def test_hooks_are_the_tools_of_dev_check(project_root: Path) -> None:
    """A commit is judged by the same programs, from the same .venv, as ./dev check judges it."""
    (repository,) = read_yaml(project_root / ".pre-commit-config.yaml")["repos"]
    hooks = {hook["entry"].split()[0] for hook in repository["hooks"]}
    check = (project_root / "dev").read_text().partition("\ncheck() {\n")[2].partition("\n}\n")[0]
    asked = re.findall(r'"\$venv/(bin/[\w-]+)"', check)
    assert repository["repo"] == "local"
    assert hooks == {f".venv/{program}" for program in asked}


@pytest.mark.parametrize("name", ["bug.yml", "idea.yml"])
def test_issue_forms_ask_for_what_is_needed(project_root: Path, name: str) -> None:
    """Each form has a name, a description and at least one answer that must be given."""
    form = read_yaml(project_root / ".github" / "ISSUE_TEMPLATE" / name)
    assert form["name"]
    assert form["description"]
    assert any(part.get("validations", {}).get("required") for part in form["body"])
