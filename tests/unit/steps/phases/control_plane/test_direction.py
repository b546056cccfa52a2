"""Attacks between the approval of the apply and its start: what is more or other is asked about by the step itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from steps.contract.ports import ProgramEnded
from steps.contract.step import Ask, Decision, Done, Waiting
from steps.notes.control_plane import APPROVED_FRAME
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import approve, approve_departures
from tests.unit.steps.builders import OLD
from tests.unit.steps.install.test_istioctl_output import BAD
from tests.unit.steps.paper import Paper, decide
from tests.unit.steps.paper_records import render_control_plane
from tests.unit.steps.phases.control_plane.upgrades import (
    REFUSED,
    RUN,
    approved,
    ask_about_removals,
    ask_for,
    ended,
    removing,
)

Move = Callable[[Paper], object]


def move_identity(paper: Paper) -> None:
    """The master was upgraded."""
    paper.gke.identity = replace(paper.gke.identity, server_version="v1.17.9-gke.1504")


def move_tools(paper: Paper) -> None:
    """Another istioctl lies where the approved one was."""
    paper.memory.values["download/tools"]["istioctl_sha256"] = "9" * 64  # type: ignore[index]


def move_kubectl(paper: Paper) -> None:
    """So does another kubectl."""
    paper.memory.values["download/kubectl"]["sha256"] = "8" * 64  # type: ignore[index]


def move_record(paper: Paper) -> None:
    """istioctl hands over something else."""
    paper.tools.manifest = render_control_plane(extra="x")


def move_flags(paper: Paper) -> None:
    """One more flag than was approved."""
    paper.options = replace(paper.options, set_flags=("values.tracing.enabled=true",))


def move_removals(paper: Paper) -> None:
    """Something would go that nobody has seen."""
    paper.tools.disabled = ("Prometheus",)
    paper.kubernetes.objects += removing().kubernetes.objects


def move_archive(paper: Paper) -> None:
    """Another archive than the one that was verified."""
    paper.memory.values["download/sha256"] = "ef" * 32


MOVES: dict[str, tuple[Move, str]] = {
    "identity": (move_identity, "cluster: server was 1.16 and is now 1.17"),
    "istioctl": (move_tools, "istioctl was "),
    "kubectl": (move_kubectl, "kubectl was "),
    "record": (move_record, "what istioctl hands to kubectl is not what was approved"),
    "flags": (move_flags, "arguments was "),
    "removals": (move_removals, "it would also remove Deployment istio-system/prometheus"),
    "archive": (move_archive, "archive was "),
}


def forget_recordings(paper: Paper) -> None:
    """What was recorded is recorded anew, as after a while on the bot's machine."""
    paper.tools.recorded = {}
    paper.tools.runs = {run: state for run, state in paper.tools.runs.items() if run == RUN}


@pytest.mark.parametrize(("move", "said"), MOVES.values(), ids=MOVES.keys())
@pytest.mark.parametrize("door", ["first start", "after a retry"])
def test_whatever_moved_is_asked_about_before_istioctl_starts(move: Move, said: str, door: str) -> None:
    """By the acting step, with what moved; only a yes to that starts it."""
    paper = approved() if door == "first start" else ended(255, BAD, OLD)
    if door != "first start":
        paper.generation = 4
    move(paper)
    forget_recordings(paper)
    asked = paper.run(apply)
    assert isinstance(asked, Ask)
    assert any(line.startswith(said) for line in asked.moved), asked.moved
    assert paper.tools.started == []
    paper.generation += 1
    assert isinstance(paper.run(apply, decide("approve", asked.digest)), Waiting)
    assert len(paper.tools.started) == 1


@pytest.mark.parametrize("move", [move_record, move_removals, move_tools], ids=["record", "removals", "istioctl"])
def test_a_repeated_apply_is_held_against_the_approval_too(move: Move) -> None:
    """Half a control plane is no reason to write what nobody has seen."""
    paper = ended(255, BAD, OLD, stderr=REFUSED)
    assert isinstance(paper.run(apply), Waiting)
    move(paper)
    forget_recordings(paper)
    assert isinstance(paper.run(apply), Ask)
    assert paper.tools.started == []


def test_once_written_to_a_control_plane_says_nothing_new_about_its_fields() -> None:
    """After a partial apply the live objects differ from all that was compared before; a retry asks nobody."""
    paper = approved()
    paper.run(apply)
    paper.tools.runs[RUN] = ProgramEnded(255, BAD)
    paper.generation = 4
    paper.memory.values["control-plane/approved-apply"]["changes"] = []  # type: ignore[index]
    assert isinstance(paper.run(apply), Waiting)
    assert len(paper.tools.started) == 2


def test_an_approval_of_an_earlier_version_is_asked_once_more() -> None:
    """It says what is checked now, and blocks nobody; an apply that is only repeated goes on."""
    paper = approved()
    del paper.memory.values[APPROVED_FRAME.key]
    asked = paper.run(apply)
    assert isinstance(asked, Ask)
    assert [line.partition(" checks ")[0] for line in asked.moved] == ["the bot now also"]
    assert isinstance(paper.run(apply, decide("approve", asked.digest)), Waiting)
    repeated = ended(255, BAD, OLD, stderr=REFUSED)
    del repeated.memory.values[APPROVED_FRAME.key]
    repeated.run(apply)
    assert isinstance(repeated.run(apply), Waiting)
    assert [run for run, _ in repeated.tools.started] == [f"{RUN}-2"]


def test_fewer_removals_than_were_shown_are_covered() -> None:
    """Between the question and the click somebody removed one of them by hand."""
    paper = removing("prometheus", "grafana")
    ask = ask_about_removals(paper)
    paper.kubernetes.objects.pop()
    decision = Decision("approve", "U0BEN00002", paper.now, ask.digest, binding=ask.binding)
    assert isinstance(paper.run(approve_departures, decision), Done)
    shown = ask_for(paper)
    paper.kubernetes.objects.pop()
    assert isinstance(paper.run(approve, replace(decision, digest=shown.digest, binding=shown.binding)), Done)
    assert isinstance(paper.run(apply), Waiting)
