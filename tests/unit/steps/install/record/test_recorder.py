"""As whom a recording reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from steps.contract.ports import ProgramEnded, Running
from steps.contract.step import Context, Waiting
from steps.install.record.comparison import measure_preview
from steps.install.record.recorder import READS, VIEWER, WRITES, Recorder, choose_recorder
from steps.install.record.recording import find_recorder
from steps.mesh import ClusterAddress, ClusterIdentity, Right
from steps.phases.control_plane.apply import start_apply
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_ports import PaperKubernetes

DOUBT = "What istioctl hands over was recorded by an account that may write: it "


def is_write(right: Right) -> bool:
    return right.verb not in ("get", "list")


@pytest.fixture
def kubernetes() -> PaperKubernetes:
    """Give a cluster whose account may do everything, and a viewer whom it may act for."""
    return PaperKubernetes()


def choose(kubernetes: PaperKubernetes) -> Recorder:
    return choose_recorder(cast(Any, kubernetes))


def test_an_account_that_may_only_read_records_itself(kubernetes: PaperKubernetes) -> None:
    """Nobody else is asked about."""
    kubernetes.denied = is_write
    kubernetes.acts_for = lambda user: False
    assert choose(kubernetes) == Recorder()


@pytest.mark.parametrize("write", WRITES, ids=str)
def test_an_account_that_may_write_anything_acts_for_the_viewer(kubernetes: PaperKubernetes, write: Right) -> None:
    """Any single right by which an apply writes is enough."""
    kubernetes.denied = lambda right: is_write(right) and right != write
    assert choose(kubernetes) == Recorder(VIEWER)


def deny_acting(kubernetes: PaperKubernetes) -> None:
    kubernetes.acts_for = lambda user: False


def deny_reading(kubernetes: PaperKubernetes) -> None:
    kubernetes.denied_to = lambda user, right: True


def allow_writing(kubernetes: PaperKubernetes) -> None:
    kubernetes.denied_to = lambda user, right: False


@pytest.mark.parametrize(
    ("go_wrong", "why"),
    [
        (deny_acting, f"may not act for {VIEWER}"),
        (deny_reading, f"can't act for {VIEWER}, who may not get namespaces, get customresourcedefinitions"),
        (allow_writing, f"can't act for {VIEWER}, who may write as well"),
    ],
)
def test_without_a_viewer_the_card_says_who_recorded(
    kubernetes: PaperKubernetes, go_wrong: Callable[[PaperKubernetes], None], why: str
) -> None:
    """The account does it itself, and the sentence names what to set up."""
    go_wrong(kubernetes)
    found = choose(kubernetes)
    assert found.acting_for == ""
    assert found.doubt.startswith(DOUBT + why)
    assert "kubectl apply -k manifests/target-cluster" in found.doubt


def test_each_read_is_asked_about(kubernetes: PaperKubernetes) -> None:
    """A viewer who lacks one would end the recording in the middle."""
    for right in READS:
        kubernetes.denied_to = lambda user, asked, right=right: asked == right or is_write(asked)  # type: ignore[misc]
        assert right.resource in choose(kubernetes).doubt


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("change", "is_asked"),
    [
        (lambda ctx: ctx, False),
        (lambda ctx: replace(ctx, now=ctx.now + 29 * SECOND), False),
        (lambda ctx: replace(ctx, now=ctx.now + 30 * SECOND), True),
        (lambda ctx: replace(ctx, now=ctx.now - SECOND), True),
        (lambda ctx: replace(ctx, step_id="control-plane/apply"), True),
        (lambda ctx: replace(ctx, generation=ctx.generation + 1), True),
    ],
    ids=["at once", "before half a minute", "after it", "the clock was set back", "another step", "asked again"],
)
def test_one_answer_serves_the_recordings_that_follow_each_other(
    change: Callable[[Context], Context], is_asked: bool
) -> None:
    """Half a minute later, or where another step may act as somebody else, it is asked anew."""
    paper = Paper()
    assert find_recorder(paper.context(step_id="download/preview")) == Recorder(VIEWER)
    allow_writing(paper.kubernetes)
    found = find_recorder(change(paper.context(step_id="download/preview")))
    assert bool(found.doubt) is is_asked


def test_what_one_account_may_says_nothing_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubeconfig got other credentials between two recordings of one step."""
    paper = Paper()
    find_recorder(paper.context(step_id="download/preview"))
    allow_writing(paper.kubernetes)
    monkeypatch.setattr(paper.kubernetes, "read_account", lambda: "somebody-else@example.com")
    assert find_recorder(paper.context(step_id="download/preview")).doubt


@pytest.mark.parametrize("step", [measure_preview, lambda ctx: start_apply(ctx, "apply", repeated=False)])
def test_while_a_recording_is_made_nothing_else_is_measured(
    step: Callable[[Context], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is looked at once it has ended, and would be looked at each second until then."""
    paper, asked = start_paper(), list[ClusterAddress]()
    paper.tools.recording_end = cast(Any, Running(3.0, ""))
    identity = paper.gke.identity

    def describe(address: ClusterAddress) -> ClusterIdentity:
        asked.append(address)
        return identity

    monkeypatch.setattr(paper.gke, "describe_cluster", describe)
    assert step(paper.context()) == Waiting("writing down what istioctl hands to kubectl", 1.0)
    before = len(asked)
    assert step(paper.context()) == Waiting("writing down what istioctl hands to kubectl, for 3 s", 1.0)
    assert len(asked) == before > 0
    paper.tools.runs = dict.fromkeys(paper.tools.runs, ProgramEnded(0, "✔ Installation complete\n"))
    step(paper.context())
    assert len(asked) > before
