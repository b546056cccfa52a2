"""What an aborted upgrade still does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.contract.ports import ProgramEnded, Running
from steps.contract.step import Done, Waiting
from steps.mesh import Binding, Namespace
from steps.notes.runs import NAMESPACES
from steps.notes.way_back import TAKEN_BACK, TakenBack
from steps.phases.abort import revoke_own_binding
from steps.phases.access import bind
from steps.phases.left_behind import report_abort
from steps.phases.own_binding import OWN_BINDING
from steps.phases.prepare import identify
from tests.unit.steps.builders import HUB, NEW, make_pod
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_ports import ACCOUNT

EMPTY = Binding(OWN_BINDING, "cluster-admin", ())
APPLY, VALIDATE = "cluster-x-1-apply-3", "cluster-x-1-validate-4-2"


@pytest.fixture
def paper() -> Paper:
    """An upgrade that is bound to cluster-admin."""
    paper = start_paper()
    paper.kubernetes.live_by_roles()
    paper.kubernetes.bindings = {OWN_BINDING: EMPTY}
    paper.run(identify)
    paper.run(bind)
    assert paper.kubernetes.bindings[OWN_BINDING].users == (ACCOUNT,)
    return paper


@pytest.mark.parametrize(
    ("run", "program"), [(APPLY, "istioctl manifest apply"), (VALIDATE, "asmctl validate")], ids=["apply", "validate"]
)
def test_a_program_that_runs_is_let_end_before_the_rights_go(paper: Paper, run: str, program: str) -> None:
    """However the upgrade stood; how it ended is told."""
    paper.tools.runs[run] = Running(12.0, "")
    outcome = paper.run(revoke_own_binding)
    assert isinstance(outcome, Waiting)
    assert outcome.why == f"aborting: {program} has run for 12 s and is let end first"
    assert paper.kubernetes.bindings[OWN_BINDING].users == (ACCOUNT,)
    paper.tools.runs[run] = ProgramEnded(0, "")
    assert paper.run(revoke_own_binding) == Done(f"{program} was let end (exit 0); {OWN_BINDING} emptied")
    assert paper.kubernetes.bindings == {OWN_BINDING: EMPTY}


def test_nothing_is_told_where_nothing_ran_and_nothing_was_bound() -> None:
    """An upgrade that was aborted early."""
    paper = start_paper()
    assert paper.run(revoke_own_binding) == Done("")


def test_asmctls_namespaces_go_as_well(paper: Paper) -> None:
    """Before the rights to remove them do."""
    paper.context().remember(NAMESPACES, ("istio-system",))
    paper.kubernetes.namespaces.append(Namespace("asmctl-left"))
    paper.run(revoke_own_binding)
    assert paper.kubernetes.writes[-2:] == ["delete namespace asmctl-left", f"change {OWN_BINDING}"]


def test_a_control_plane_that_still_rolls_out_is_told() -> None:
    """What its pods run now is not what they will run."""
    paper = start_paper()
    first, *rest = paper.kubernetes.workloads
    paper.kubernetes.workloads = (replace(first, replicas=2, updated=1), *rest)
    outcome = paper.run(report_abort)
    assert isinstance(outcome, Done)
    assert outcome.card is not None
    assert f"still rolling out by itself: {first.ref.kind}/{first.ref.name} (1 of 2)" in outcome.card.summary
    assert ", still rolling out, sidecars" in outcome.sentence


@pytest.mark.parametrize("back", [False, True])
def test_an_aborted_way_back_is_told_as_one(back: bool) -> None:
    """It is no upgrade, and may be ordered again."""
    paper = start_paper()
    if back:
        paper.memory.values[TAKEN_BACK.key] = TAKEN_BACK.write(TakenBack("cluster-x-1", NEW))
    newer = f"{HUB}/proxyv2:{NEW}"
    paper.kubernetes.pods = [make_pod("web", namespace="shop"), make_pod("api", namespace="shop", proxy_image=newer)]
    outcome = paper.run(report_abort)
    assert isinstance(outcome, Done)
    assert outcome.card is not None
    doing, further = ("way back", "a new upgrade, or another way back,") if back else ("upgrade", "a new upgrade")
    assert outcome.sentence.startswith(f"aborted the {doing} of cluster-x; ")
    assert outcome.card.risks == (f"The cluster is left with mixed versions; {further} goes on from here.",)
