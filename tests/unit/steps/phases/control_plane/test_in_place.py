"""A start on a control plane that an earlier upgrade has moved: it goes on, and claims nothing that it did not do."""

from __future__ import annotations

from typing import Any

import pytest

from steps.contract.ledger import LedgerEntry
from steps.contract.step import Ask, Blocked, Done
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import approve, approve_departures
from steps.phases.control_plane.backing_up import back_up
from steps.phases.control_plane.replacement import roll_out
from steps.phases.finish import report
from steps.phases.left_behind import report_abort
from steps.phases.prepare import inspect, propose
from tests.unit.steps.builders import HUB, NEW, OLD, make_control_plane, make_pod
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_records import POOL, render_control_plane
from tests.unit.steps.phases.control_plane.upgrades import put_in_place

SAID = "the 7 objects are in the cluster as they would be handed over"
BEHIND = "1.4.10-asm.18, 2 sidecars on 1.4.7-asm.0"


def moved(version: str = NEW) -> Paper:
    """An upgrade after an abort: the control plane is on this version, one of three sidecars was moved."""
    paper = start_paper()
    paper.kubernetes.workloads = make_control_plane(version)
    paper.kubernetes.objects = [put_in_place(made) for made in render_control_plane(version)]
    paper.kubernetes.pods = [
        make_pod(name, namespace="shop", proxy_image=f"{HUB}/proxyv2:{tag}")
        for name, tag in (("web-1-a", NEW), ("web-1-b", OLD), ("web-1-c", OLD))
    ]
    assert isinstance(paper.run(inspect), Done)
    return paper


def edit(paper: Paper, **fields: Any) -> None:
    """Somebody edits the first object."""
    paper.kubernetes.objects[0] = {**paper.kubernetes.objects[0], **fields}


def test_the_proposal_says_where_the_mesh_stands_and_not_where_it_came_from() -> None:
    """1.4.7 is what the start before began with."""
    outcome = moved().run(propose)
    assert isinstance(outcome, Done)
    assert outcome.card is not None
    assert outcome.card.summary[0].startswith(f"From {BEHIND}, mTLS stays PERMISSIVE.")


def test_nothing_is_asked_backed_up_or_applied_where_nothing_differs() -> None:
    """And the sentences say so; the first backup stays the one from before."""
    paper = moved()
    assert paper.run(approve_departures) == Done("")
    assert paper.run(approve) == Done(f"nothing to apply: {SAID}")
    kept = paper.run(back_up)
    assert isinstance(kept, Done)
    assert kept.sentence.startswith("no backup: nothing is written to the control plane")
    assert paper.backups.files == {}
    assert paper.run(apply) == Done(f"nothing was applied: {SAID}")
    assert not any("-apply-" in run for run in paper.tools.runs)
    done = paper.run(roll_out)
    assert isinstance(done, Done)
    assert done.sentence == "control plane in place: 5 workloads on 1.4.10-asm.18, promsd rolled out"


def test_the_report_claims_nothing_of_the_control_plane() -> None:
    """Only the sidecars that it moved."""
    paper = moved()
    paper.run(approve)
    paper.ledger.record_entries([LedgerEntry("web-1-b", "shop", "web-1-b", "shop/Deployment/web", "upgraded")])
    outcome = paper.run(report)
    assert isinstance(outcome, Done)
    assert outcome.sentence == (
        f"upgraded cluster-x: {BEHIND} → {NEW}, 1/1 pods, 0 manual; "
        "the control plane was in place before and nothing was applied to it"
    )
    assert outcome.card is not None
    assert dict(outcome.card.facts)["backup"] == "none: nothing was applied"


@pytest.mark.parametrize("edits", [{"data": {"mesh": "trustDomain: x\n"}}, {"data": {}}])
def test_what_differs_is_asked_about_and_applied(edits: dict[str, Any]) -> None:
    """By whoever it was changed."""
    paper = moved()
    edit(paper, **edits)
    assert not isinstance(paper.run(approve), Done)


def test_what_changes_after_the_gate_is_not_applied_without_a_backup() -> None:
    """Nobody approved it and nothing was kept."""
    paper = moved()
    paper.run(approve)
    paper.run(back_up)
    edit(paper, data={"mesh": f"trustDomain: {POOL}\nnew: 1\n"})
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith("the control plane was in place when the gate looked, and is not any more")


def test_a_control_plane_half_way_is_applied_and_its_backup_says_what_it_is_of() -> None:
    """The one from before is the one to go back to."""
    paper = moved()
    half = (*make_control_plane(NEW)[:-2], *make_control_plane(OLD)[-2:])
    paper.kubernetes.workloads = half
    paper.kubernetes.objects = [put_in_place(made) for made in render_control_plane(OLD)]
    assert isinstance(paper.run(inspect), Done)
    assert isinstance(paper.run(approve), Ask)
    kept = paper.run(back_up)
    while not isinstance(kept, Done):
        kept = paper.run(back_up)
    assert kept.sentence.endswith(", of a control plane that had moved before; what was kept before that stays")


def test_what_the_mesh_is_on_is_kept_wherever_it_was_seen() -> None:
    """At the start, with the control plane replaced, at an abort and at the end."""
    paper = start_paper()
    paper.kubernetes.pods = [make_pod("web-1-a", namespace="shop", proxy_image=f"{HUB}/proxyv2:{OLD}")]
    paper.run(inspect)
    seen = [read_seen(paper)]
    paper.kubernetes.workloads = make_control_plane(NEW)
    for step in (roll_out, report_abort, report):
        assert isinstance(paper.run(step), Done)
        seen.append(read_seen(paper))
    assert seen == [
        {"plane": [OLD], "sidecars": {OLD: 1}},
        {"plane": [NEW], "sidecars": {OLD: 1}},
        {"plane": [], "sidecars": {OLD: 1}},
        {"plane": [NEW], "sidecars": {OLD: 1}},
    ]


def read_seen(paper: Paper) -> object:
    """What is kept of the mesh, as JSON."""
    kept = paper.memory.recall("mesh/seen")
    assert isinstance(kept, dict)
    return {**kept, "plane": list(kept["plane"])}
