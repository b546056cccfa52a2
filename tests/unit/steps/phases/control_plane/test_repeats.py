"""Applies that lost requests are made again, and not for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.contract.ports import CallVerdict, KubectlCall, ProgramEnded
from steps.contract.step import Blocked, Waiting
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import approve
from steps.phases.control_plane.judgement import TRIES
from tests.unit.steps.builders import NEW, OLD
from tests.unit.steps.install.test_istioctl_output import BAD, GOOD
from tests.unit.steps.paper import start_paper
from tests.unit.steps.phases.control_plane.upgrades import REFUSED, RUN, ended, failed


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
def test_a_recording_whose_kubectl_was_killed_is_made_again(verdict: CallVerdict) -> None:
    """It changes nothing."""
    paper = start_paper()
    paper.tools.recording_end = ProgramEnded(255, "")
    paper.tools.recording_calls = (KubectlCall("apply", "Pilot", verdict, 137),)
    assert isinstance(paper.run(approve), Waiting)


def test_an_apply_is_not_repeated_for_ever() -> None:
    """Then a person decides."""
    paper = ended(255, BAD, OLD, stderr=REFUSED)
    for tries in range(2, TRIES + 1):
        paper.run(apply)
        paper.tools.runs[f"{RUN}-{tries}"] = ProgramEnded(255, BAD)
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
