"""The beginning of a way back, its access, and the landing of the upgrade before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.contract.errors import GiveUp
from steps.contract.ports import Running
from steps.contract.step import Done, Waiting
from steps.notes.prepare import MESH_SEEN, SIDECARS
from steps.notes.way_back import ORDERED_RETURN, OrderedReturn
from steps.phases.way_back.phase import land, report
from steps.phases.way_back.preparing import approve_access, prepare
from tests.unit.steps.builders import NEW, OLD, make_pod
from tests.unit.steps.paper import start_paper
from tests.unit.steps.phases.way_back.papers import BEN, TAKEN, go_back

HUB = "gcr.io/gke-release/asm/proxyv2"


def test_the_beginning_says_what_is_taken_back_and_who_covers_it() -> None:
    """Before anything is changed."""
    outcome = go_back().run(prepare)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "way back of cluster-x-1: 1.4.10-asm.18 → 1.4.7-asm.0"
    assert outcome.card is not None
    assert outcome.card.summary[1].startswith(f"{{person {BEN}}}'s approval of the control plane covers it until ")


def test_it_is_said_where_nothing_covers_it() -> None:
    """Its gates ask."""
    outcome = go_back(replace(TAKEN, cover=None)).run(prepare)
    assert isinstance(outcome, Done)
    assert outcome.card is not None
    assert outcome.card.summary[1] == "No approval of the upgrade covers it any more, so each gate asks."


def test_access_is_covered_too() -> None:
    """The rights are those of the upgrade."""
    outcome = go_back().run(approve_access)
    assert isinstance(outcome, Done)
    assert outcome.sentence == f"access is covered by {{person {BEN}}}'s approval of the control plane"


def test_an_upgrade_lands_before_it_is_taken_back() -> None:
    """A program that runs is let end."""
    paper = start_paper(**{ORDERED_RETURN.key: ORDERED_RETURN.write(OrderedReturn("U0ANA00001", "slow"))})
    paper.tools.runs["cluster-x-1-apply-3"] = Running(7.0, "")
    outcome = paper.run(land)
    assert isinstance(outcome, Waiting)
    assert outcome.why == "taking back: istioctl manifest apply has run for 7 s and is let end first"
    paper.tools.runs.clear()
    outcome = paper.run(land)
    assert isinstance(outcome, Done)
    assert outcome.sentence.startswith("taken back by {person U0ANA00001}: slow")


def test_nobody_lands_what_nobody_ordered() -> None:
    """A fault of the bot is told as one."""
    with pytest.raises(GiveUp):
        start_paper().run(land)


def test_what_the_mesh_is_on_is_known_all_the_way_back() -> None:
    """From its first look on: the sidecars that are still on the newer release, and those that are left at the end."""
    paper = go_back()
    paper.kubernetes.pods = [
        make_pod("web-1", namespace="shop", proxy_image=f"{HUB}:{NEW}"),
        make_pod("web-2", namespace="shop", proxy_image=f"{HUB}:{OLD}"),
    ]
    paper.run(prepare)
    sidecars = paper.context().recall(SIDECARS)
    assert sidecars is not None
    assert sidecars.by_version == {NEW: 1, OLD: 1}
    paper.kubernetes.pods = [
        make_pod("web-1", namespace="shop", proxy_image=f"{HUB}:{NEW}"),
        make_pod("web-3", namespace="shop", proxy_image=f"{HUB}:{OLD}"),
    ]
    paper.run(report)
    assert str(paper.context().recall(MESH_SEEN)) == f"{OLD}, 1 sidecar on {NEW}"
