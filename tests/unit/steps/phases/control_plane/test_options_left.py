"""The options of the earlier install: taken unless a person left them, and what is left is asked about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from steps.contract.step import Ask, Blocked, Decision, Done
from steps.install.option_table import compare_to_earlier
from steps.install.record.apply_requests import build_earlier_options, build_request
from steps.phases.control_plane.approvals import approve, approve_departures
from steps.phases.way_back.inheritance import choose_options
from tests.unit.steps.builders import NEW, OLD
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_records import render_control_plane
from tests.unit.steps.phases.control_plane.upgrades import put_in_place

LOG = "values.global.proxy.accessLogFile=/dev/stdout"
EARLIER: dict[str, Any] = {
    "version": OLD, "folder": f"istio-{OLD}", "istioctl": "istioctl", "asmctl": "asmctl",
    "istioctl_sha256": "1" * 64, "asmctl_sha256": "2" * 64,
}  # fmt: skip


def start(choice: str, previous: dict[str, Any] | None = None) -> Paper:
    """An upgrade of a mesh that logs each request, as its install was told to."""
    memory: dict[str, Any] = {"prepare/options": [LOG], "download/previous": previous or EARLIER}
    paper = start_paper(**memory)
    paper.options = replace(paper.options, earlier_options=choice)  # type: ignore[arg-type]
    paper.kubernetes.objects = [put_in_place(one) for one in render_control_plane(OLD, accessLogFile="/dev/stdout")]
    paper.tools.rendered = {LOG: render_control_plane(NEW, accessLogFile="/dev/stdout")}
    paper.tools.manifest = render_control_plane(NEW)
    return paper


def list_asked(paper: Paper) -> tuple[str, ...]:
    """The arguments that istioctl would be given."""
    ctx = paper.context(None, "control-plane/approve")
    return build_request(ctx, paper.gke.identity).arguments


def test_they_are_taken_and_nothing_is_asked() -> None:
    """The default."""
    paper = start("take")
    assert LOG in list_asked(paper)
    assert paper.run(approve_departures) == Done("")


@pytest.mark.parametrize("previous", [EARLIER, {"why": "its archive is gone"}], ids=["known", "gone"])
def test_what_a_person_left_is_asked_about_before_it_is_lost(previous: dict[str, Any]) -> None:
    """By name, and by the field that it changes: no change of the release's own excuses it."""
    paper = start("leave", previous)
    assert LOG not in list_asked(paper)
    asked = paper.run(approve_departures)
    assert isinstance(asked, Ask)
    assert "leave out 1 option of the earlier install" in asked.question
    assert "set back or take away 1 field" in asked.question
    assert asked.card.details[0].lines == (f"lost: {LOG}",)
    approval = Decision("approve", "U0BEN00002", paper.now, asked.digest, binding=asked.binding)
    assert isinstance(paper.run(approve_departures, approval), Done)
    asked = paper.run(approve)
    assert isinstance(asked, Ask)
    assert asked.question == f"Replace the control plane of cluster-x by {NEW}?"


def test_an_option_that_changes_nothing_is_asked_about_all_the_same() -> None:
    """It would be gone from what is stored."""
    paper = start("leave")
    paper.tools.rendered = {}
    paper.kubernetes.objects = [put_in_place(one) for one in render_control_plane(OLD)]
    asked = paper.run(approve_departures)
    assert isinstance(asked, Ask)
    assert asked.question == "Let the upgrade of cluster-x leave out 1 option of the earlier install?"


def test_the_table_says_lost_and_the_options_asked_for_say_why() -> None:
    """At the proposal, where the risks have it as well."""
    lines = {choice: compare_to_earlier(start(choice).context(None, "prepare/propose")) for choice in ("take", "leave")}
    assert (f"kept: {LOG}" in lines["take"], f"lost: {LOG}" in lines["leave"]) == (True, True)


def test_what_a_person_gives_is_laid_over_it() -> None:
    """Leaving them and giving one of them again keeps that one."""
    paper = start("leave")
    paper.options = replace(paper.options, set_flags=(LOG,))
    assert paper.run(approve_departures) == Done("")


def test_the_way_back_takes_them_always() -> None:
    """It goes back to the install that had them."""
    paper = start("leave")
    arguments, _ = build_earlier_options(paper.context(None, "control-plane/approve"), paper.gke.identity)
    assert LOG in arguments
    assert choose_options(paper.options, NEW).earlier_options == "take"


def test_an_approval_of_the_one_is_none_of_the_other() -> None:
    """The options are part of what is approved."""
    paper = start("take")
    asked = paper.run(approve)
    assert isinstance(asked, Ask)
    paper.options = replace(paper.options, earlier_options="leave")
    approval = Decision("approve", "U0BEN00002", paper.now, asked.digest, binding=asked.binding)
    again = paper.run(approve, approval)
    assert isinstance(again, Ask | Blocked)
