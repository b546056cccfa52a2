"""The validate phase."""

from __future__ import annotations

import pytest

from steps.contract.options import UpgradeOptions
from steps.contract.ports import PlacesTaken, ProgramEnded, Running
from steps.contract.step import Blocked, Done, Waiting
from steps.mesh import Namespace
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.way_back import TAKEN_BACK, TakenBack
from steps.phases.validate import TRIES, run
from tests.unit.steps.builders import NEW
from tests.unit.steps.install.test_asmctl_output import FAILED_04, GUIDE
from tests.unit.steps.paper import Paper, decide, start_paper

RUN = "cluster-x-1-validate-3"
CUT = GUIDE.partition("Validating sample traffic")[0]
LOST = (
    f"{CUT}Validating sample traffic\nError: could not validate sample traffic: Unable to connect to the server: EOF\n"
)


def ended(code: int | None, output: str, timed_out: bool = False) -> Paper:
    """An upgrade whose asmctl has ended so."""
    paper = start_paper(**{"validate/namespaces": ["istio-system"]})
    paper.tools.runs[RUN] = ProgramEnded(code, output, timed_out)
    return paper


def test_asmctl_is_started_with_the_guides_flag() -> None:
    """Both basic and security tests."""
    paper = start_paper()
    assert isinstance(paper.run(run), Waiting)
    assert paper.tools.started == [(RUN, ("validate", "--with-testing-workloads"))]


def test_testing_workloads_may_be_left_out() -> None:
    """An option of the upgrade."""
    paper = start_paper()
    paper.options = UpgradeOptions(testing_workloads=False)
    paper.run(run)
    assert paper.tools.started == [(RUN, ("validate",))]


def test_an_asmctl_that_finds_no_place_begins_nothing() -> None:
    """It waits, for however long."""
    paper = start_paper()
    paper.tools.runs[RUN] = PlacesTaken(4)
    outcome = paper.run(run)
    assert (isinstance(outcome, Waiting) and outcome.queued, paper.tools.started) == (True, [])


@pytest.mark.parametrize("back", [False, True])
def test_the_asmctl_of_a_way_back_waits_behind_nobodys_recordings(back: bool) -> None:
    """Any other waits like all, its apply's being over."""
    paper = start_paper()
    paper.memory.values[FIRST_WRITE.key] = "cluster-x-1-apply-1"
    if back:
        paper.memory.values[TAKEN_BACK.key] = TAKEN_BACK.write(TakenBack("cluster-x-1", NEW))
    paper.run(run)
    assert paper.tools.admitted == ([RUN] if back else [])


def test_a_running_asmctl_is_adopted() -> None:
    """Its checks so far are shown."""
    paper = start_paper()
    paper.tools.runs[RUN] = Running(3.0, CUT)
    outcome = paper.run(run)
    assert isinstance(outcome, Waiting)
    assert paper.tools.started == []
    assert outcome.details[-1] == "OK: istio system"


def test_every_check_ok_is_done() -> None:
    """With the whole output as a file."""
    outcome = ended(0, GUIDE).run(run)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "validated: 5 checks OK"
    assert outcome.attachments[0].text == GUIDE


def test_a_failure_shows_the_check_and_asmctl_s_remedy() -> None:
    """A person decides: retry, accept with a reason, abort."""
    outcome = ended(1, FAILED_04).run(run)
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith("asmctl: ingressgateway configuration is not OK: could not validate")
    assert "Missing configuration value GKE_CLUSTER_URL" in outcome.remedy
    assert [choice.id for choice in outcome.choices] == ["accept"]
    assert outcome.choices[0].needs_reason


def test_a_failure_may_be_accepted() -> None:
    """The reason stands in the thread."""
    outcome = ended(1, FAILED_04).run(run, decide("accept", reason="known false alarm"))
    assert outcome == Done("validation accepted by {person U0BEN00002} in spite of asmctl: known false alarm")


def test_a_non_zero_end_is_a_failure_though_every_check_is_ok() -> None:
    """The exit code counts where it is known."""
    assert isinstance(ended(1, GUIDE).run(run), Blocked)


def test_an_end_that_nobody_saw_counts_by_its_checks() -> None:
    """All five are there."""
    assert isinstance(ended(None, GUIDE).run(run), Done)


def test_an_end_that_nobody_saw_needs_all_checks() -> None:
    """asmctl may have been killed between two of them."""
    outcome = ended(None, CUT).run(run)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "asmctl ended while the bot was down, and its output doesn't show that it finished"


def test_a_fault_of_the_connection_runs_asmctl_again() -> None:
    """It repeats no request of its own."""
    paper = ended(1, LOST)
    outcome = paper.run(run)
    assert isinstance(outcome, Waiting)
    assert outcome.why.startswith("asmctl met a fault of the connection (could not validate sample traffic: Unable")
    paper.run(run)
    assert [name for name, _ in paper.tools.started] == [f"{RUN}-2"]


def test_a_connection_that_keeps_failing_is_a_persons_decision() -> None:
    """After a few runs."""
    paper = ended(1, LOST)
    for tries in range(2, TRIES + 1):
        paper.run(run)
        paper.tools.runs[f"{RUN}-{tries}"] = ProgramEnded(1, LOST)
    assert isinstance(paper.run(run), Blocked)


def test_asmctl_past_its_limit_blocks() -> None:
    """It was ended by the bot."""
    outcome = ended(None, CUT, timed_out=True).run(run)
    assert isinstance(outcome, Blocked)
    assert "time limit" in outcome.why


def test_missing_default_credentials_block_before_asmctl_runs() -> None:
    """With both ways to give them."""
    paper = start_paper()
    paper.tools.credentials = False
    outcome = paper.run(run)
    assert isinstance(outcome, Blocked)
    assert paper.tools.started == []
    assert "gcloud auth application-default login" in outcome.remedy


def test_left_over_test_namespaces_are_offered_for_removal() -> None:
    """Only asmctl's own that came while it ran."""
    paper = ended(1, FAILED_04)
    paper.kubernetes.namespaces += [Namespace("asmctl-validate-1f3a"), Namespace("new-team")]
    outcome = paper.run(run)
    assert isinstance(outcome, Blocked)
    assert "Test namespaces were left behind: asmctl-validate-1f3a." in outcome.remedy
    assert [choice.id for choice in outcome.choices] == ["accept", "remove-namespaces"]


def test_only_the_namespaces_that_were_shown_are_removed() -> None:
    """asmctl's new run makes another one."""
    paper = ended(1, FAILED_04)
    paper.kubernetes.namespaces.append(Namespace("asmctl-validate-1f3a"))
    paper.run(run)
    paper.generation = 4
    paper.kubernetes.namespaces.append(Namespace("asmctl-validate-beef"))
    paper.run(run, decide("remove-namespaces"))
    assert paper.kubernetes.writes == ["delete namespace asmctl-validate-1f3a"]


@pytest.mark.parametrize("namespace", [Namespace("asmctl-x", terminating=True), Namespace("istio-system")])
def test_namespaces_on_their_way_or_from_before_are_not_left_over(namespace: Namespace) -> None:
    """Nothing is offered."""
    paper = ended(1, FAILED_04)
    paper.kubernetes.namespaces = [namespace]
    outcome = paper.run(run)
    assert isinstance(outcome, Blocked)
    assert [choice.id for choice in outcome.choices] == ["accept"]
