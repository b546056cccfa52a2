"""Edited policies: put back by an approval of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from steps.contract.step import Ask, Done, Waiting
from steps.notes.way_back import TAKEN_BACK
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
    assert paper.said == [f"{NAME} or its backup was changed after the approval, so it stays as it is"]
    assert isinstance(paper.run(restore), Done)


def test_a_backup_that_somebody_changed_since_is_not_put_back() -> None:
    """What the card showed was approved, and not whatever lies in the folder by then."""
    paper = go_back_from_edits()
    asked = paper.run(approve)
    assert isinstance(asked, Ask)
    paper.run(approve, decide("approve", asked.digest))
    paper.backups.files[name_backup((API, KIND, ""))] = dump_objects([make_policy("*")])
    before = paper.kubernetes.objects[-1]["spec"]
    assert isinstance(paper.run(restore), Waiting)
    assert paper.said == [f"{NAME} or its backup was changed after the approval, so it stays as it is"]
    assert isinstance(paper.run(restore), Done)
    assert paper.kubernetes.objects[-1]["spec"] == before


def test_a_policy_without_a_backup_is_not_said_to_be_as_before() -> None:
    """It stays as the upgrade edited it, which a person has to know."""
    paper = go_back_from_edits()
    paper.backups.files.clear()
    outcome = paper.run(approve)
    assert isinstance(outcome, Done)
    assert outcome.sentence == f"not in the backup of cluster-x-1, so left as the upgrade edited them: {NAME}"


def test_a_policy_without_a_backup_stands_on_the_card_of_the_others() -> None:
    """Among the risks."""
    other = "AuthorizationPolicy shop/others"
    paper = go_back_from_edits()
    paper.memory.values[TAKEN_BACK.key] = TAKEN_BACK.write(replace(TAKEN, edited=(NAME, other)))
    asked = paper.run(approve)
    assert isinstance(asked, Ask)
    assert asked.card.risks == (f"Not in the backup of cluster-x-1, so left as the upgrade edited them: {other}.",)
