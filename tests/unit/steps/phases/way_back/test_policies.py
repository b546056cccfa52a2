"""Edited policies: put back by an approval of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from steps.contract.step import Ask, Done, Waiting
from steps.phases.control_plane.backup import dump_objects, name_backup
from steps.phases.way_back.policies import approve, restore
from tests.unit.steps.paper import Paper, decide
from tests.unit.steps.phases.way_back.papers import TAKEN, go_back

API, KIND = "security.istio.io/v1beta1", "AuthorizationPolicy"
NAME = "AuthorizationPolicy shop/callers"


def make_policy(principal: str) -> dict[str, Any]:
    """A policy that lets one caller in."""
    rules = [{"from": [{"source": {"principals": [principal]}}]}]
    return {
        "apiVersion": API, "kind": KIND, "metadata": {"name": "callers", "namespace": "shop"}, "spec": {"rules": rules},
    }  # fmt: skip


def go_back_from_edits(now: str = "cluster.local/ns/a/sa/b") -> Paper:
    """The upgrade edited one policy; the backup has it as it was."""
    paper = go_back(replace(TAKEN, edited=(NAME,)))
    paper.backups.files[name_backup((API, KIND, ""))] = dump_objects([make_policy("old.local/ns/a/sa/b")])
    paper.kubernetes.objects.append(make_policy(now))
    return paper


def test_nothing_is_asked_where_nothing_was_edited() -> None:
    """The usual case."""
    outcome = go_back().run(approve)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "the upgrade edited no authorization policy"


def test_an_edited_policy_is_put_back_once_approved() -> None:
    """As the backup has it."""
    paper = go_back_from_edits()
    asked = paper.run(approve)
    assert isinstance(asked, Ask)
    assert asked.question == "Put back 1 policy of cluster-x?"
    assert isinstance(paper.run(approve, decide("approve", asked.digest)), Done)
    assert isinstance(paper.run(restore), Waiting)
    assert paper.kubernetes.objects[-1]["spec"] == make_policy("old.local/ns/a/sa/b")["spec"]


def test_a_denial_leaves_the_policies_and_goes_on() -> None:
    """An answer like any other."""
    paper = go_back_from_edits()
    paper.run(approve)
    assert isinstance(paper.run(approve, decide("deny")), Done)
    outcome = paper.run(restore)
    assert isinstance(outcome, Done)
    assert outcome.sentence == ""


def test_a_policy_that_somebody_changed_since_stays() -> None:
    """Nobody has approved to undo that."""
    paper = go_back_from_edits()
    asked = paper.run(approve)
    assert isinstance(asked, Ask)
    paper.run(approve, decide("approve", asked.digest))
    paper.kubernetes.apply_object(make_policy("cluster.local/ns/c/sa/d"))
    assert isinstance(paper.run(restore), Waiting)
    assert paper.said == [f"{NAME} was changed after the approval, so it stays as it is"]
    assert isinstance(paper.run(restore), Done)
