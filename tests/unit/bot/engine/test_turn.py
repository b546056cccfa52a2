"""Log lines about steps."""

from __future__ import annotations

from dataclasses import replace

import structlog

from bot.engine.turn import StepLog
from steps.contract.step import Done, Outcome, Waiting
from tests.unit.bot.workbench import Build


def list_logged(build: Build, *answers: Outcome) -> list[str]:
    """What is logged of these answers of one step."""
    row = build({}).add_upgrade(["sidecars/restart", "finish/report"])
    steps = StepLog()
    with structlog.testing.capture_logs() as lines:
        for answer in answers:
            steps.note_outcome(row, answer)
    assert {(line["upgrade"], line["cluster"]) for line in lines} == {("cluster-x-1", "cluster-x")}
    return [line["why"] for line in lines]


def test_what_a_step_says_again_is_logged_once(build: Build) -> None:
    """A wait is looked at every few seconds."""
    wait = Waiting("1/2 pods", 1.0)
    assert list_logged(build, wait, wait, replace(wait, why="2/2 pods"), wait) == ["1/2 pods", "2/2 pods", "1/2 pods"]


def test_the_end_of_a_step_is_logged(build: Build) -> None:
    """Whatever it said before."""
    assert list_logged(build, Waiting("all there", 1.0), Done("all there")) == ["all there", "all there"]
