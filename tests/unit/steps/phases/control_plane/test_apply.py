"""istioctl is started, adopted, started anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from steps.contract.errors import GiveUp, NoPlace
from steps.contract.notes import Note
from steps.contract.ports import KubectlCall, PlacesTaken, Running
from steps.contract.step import Ask, Blocked, Waiting
from steps.notes.control_plane import CREATED, FIRST_WRITE
from steps.notes.way_back import TAKEN_BACK, TakenBack
from steps.phases.control_plane.apply import apply
from tests.unit.steps.builders import NEW, OLD
from tests.unit.steps.install.test_istioctl_output import BAD, GOOD
from tests.unit.steps.paper import decide, start_paper
from tests.unit.steps.paper_records import render_control_plane
from tests.unit.steps.phases.control_plane.upgrades import REMOVED, RUN, approved, ended, removing


def test_istioctl_is_started_with_the_record_that_was_approved() -> None:
    """Once an approval, after one more recording."""
    paper = approved()
    assert isinstance(paper.run(apply), Waiting)
    ((run_id, arguments),) = paper.tools.started
    assert (run_id, arguments[:2]) == (RUN, ("manifest", "apply"))
    assert paper.tools.applied[RUN].digest == paper.memory.values["control-plane/approved-apply"]["record"]  # type: ignore[index,call-overload]


def test_what_no_gate_showed_is_asked_about_before_the_start() -> None:
    """An upgrade that an earlier version of the bot approved, or one whose cluster moved since."""
    paper = start_paper()
    asked = paper.run(apply)
    assert isinstance(asked, Ask)
    assert asked.moved == ("the bot now also checks what istioctl hands to kubectl",)
    assert isinstance(paper.run(apply, decide("approve", asked.digest)), Waiting)
    assert len(paper.tools.started) == 1


def test_an_approval_that_became_too_old_is_asked_for_again_before_the_start() -> None:
    """After a night in which it was paused or blocked."""
    paper = approved()
    paper.approval_ended = paper.now - timedelta(hours=1)
    asked = paper.run(apply)
    assert isinstance(asked, Ask)
    assert asked.moved == (f"its approval counted until {paper.approval_ended:%Y-%m-%d %H:%M} UTC",)
    assert paper.tools.started == []
    paper.approval_ended = None
    assert isinstance(paper.run(apply, decide("approve", asked.digest)), Waiting)


def test_a_removal_that_came_after_the_approval_is_asked_about() -> None:
    """The apply itself asks; the plan doesn't go back."""
    paper = approved()
    paper.tools.disabled = ("Prometheus",)
    paper.tools.runs, paper.tools.recorded = {}, {}
    paper.kubernetes.objects += removing().kubernetes.objects
    asked = paper.run(apply)
    assert isinstance(asked, Ask)
    assert asked.question.endswith(f", and remove {REMOVED}?")


def test_another_record_a_moment_later_blocks() -> None:
    """Nothing is written then."""
    paper = approved()
    paper.tools.manifest = render_control_plane(NEW, extra="x")
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istioctl hands over something else than a moment ago"
    assert paper.tools.started == []


def test_a_call_that_the_guard_refused_blocks_with_its_sentence() -> None:
    """istioctl wanted to write something that nobody approved."""
    paper = ended(255, BAD)
    paper.tools.calls[RUN] = (KubectlCall("apply", "Pilot", "refused", 1, "v1/ConfigMap/a/b is not as approved"),)
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istioctl wanted more than was approved: v1/ConfigMap/a/b is not as approved"


def test_an_apply_that_finds_no_place_begins_nothing() -> None:
    """Not the recording before it either, and the cluster's Lease is left alone; while it is held that is told."""
    paper = start_paper()
    paper.tools.runs[RUN] = PlacesTaken(4)
    outcome = paper.run(apply)
    assert isinstance(outcome, Waiting)
    assert outcome.queued
    assert outcome.why == "waits for a place: no more than 4 other programs may run at once"
    assert (paper.tools.started, paper.tools.asked) == ([], {})


@pytest.mark.parametrize(("note", "value"), [(None, None), (FIRST_WRITE, RUN), (TAKEN_BACK, TakenBack("x-1", NEW))])
def test_what_finishes_or_takes_back_what_was_begun_waits_behind_nobodys_recordings(
    note: Note[object] | None, value: object
) -> None:
    """Neither its apply nor the recording before it; any other waits like all."""
    paper = approved()
    paper.tools.runs, paper.tools.recorded, paper.tools.admitted = {}, {}, []
    if note is not None:
        paper.memory.values[note.key] = note.write(value)
    paper.run(apply)
    assert [run_id for run_id, _ in paper.tools.started] == [RUN]
    runs = [RUN, *paper.tools.recorded]
    assert set(paper.tools.admitted) == (set() if note is None else set(runs))


FAULTS = (NoPlace("waits for a place", 2.0), GiveUp("the disk is full", "Make room."), RuntimeError("it was aborted"))


@pytest.mark.parametrize("fault", FAULTS)
def test_an_apply_that_was_never_begun_has_not_written(fault: Exception) -> None:
    """Whatever kept it back: what the cluster was prepared with still counts, and what the next one creates."""
    paper = approved()
    paper.tools.start_fault = fault
    with pytest.raises(type(fault)):
        paper.run(apply)
    assert [paper.memory.recall(note.key) for note in (FIRST_WRITE, CREATED)] == [None, None]
    paper.tools.start_fault = None
    assert isinstance(paper.run(apply), Waiting)
    assert paper.memory.recall(FIRST_WRITE.key) == RUN


@pytest.mark.parametrize("fault", FAULTS)
def test_what_an_earlier_apply_wrote_stays_noted(fault: Exception) -> None:
    """The one after it was never begun, and that takes nothing back."""
    paper = approved()
    paper.tools.start_fault = fault
    paper.memory.values |= {FIRST_WRITE.key: "cluster-x-1-apply-0", CREATED.key: ["v1/ConfigMap/a/b"]}
    with pytest.raises(type(fault)):
        paper.run(apply)
    kept = [paper.memory.recall(note.key) for note in (FIRST_WRITE, CREATED)]
    assert kept == ["cluster-x-1-apply-0", ["v1/ConfigMap/a/b"]]


def test_a_running_istioctl_is_adopted() -> None:
    """No second start after a restart of the bot; its components are shown."""
    paper = start_paper()
    paper.tools.runs[RUN] = Running(12.0, GOOD.partition("✔ Finished applying manifest for component Pilot")[0])
    outcome = paper.run(apply)
    assert isinstance(outcome, Waiting)
    assert paper.tools.started == []
    assert {"Base: applied", "Pilot: applying"} <= set(outcome.details)


def test_a_retry_starts_istioctl_anew() -> None:
    """A retry raises the generation."""
    paper = ended(255, BAD, OLD)
    paper.generation = 4
    paper.run(apply)
    assert [run for run, _ in paper.tools.started] == ["cluster-x-1-apply-4"]
