"""The gate of the way back: what an earlier approval covers, and what it asks about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from steps.contract.step import Ask, Blocked, Decision, Done
from steps.notes.control_plane import APPROVED_APPLY
from steps.notes.way_back import TakenBack
from steps.phases.owned_plane import ACCEPT
from steps.phases.way_back.approving import approve
from steps.phases.way_back.phase import APPROVE
from tests.unit.steps.builders import OLD
from tests.unit.steps.paper import decide
from tests.unit.steps.phases.test_owned_plane import OPERATOR
from tests.unit.steps.phases.way_back.papers import BEN, COVER, TAKEN, WAY, go_back


def test_what_was_foreseen_asks_nothing() -> None:
    """And is kept as approved, for the moment right before the apply."""
    paper = go_back()
    outcome = paper.run(approve)
    assert isinstance(outcome, Done)
    assert outcome.sentence == f"the apply of {OLD} is covered by {{person {BEN}}}'s approval of cluster-x-1"
    approved = paper.context().recall(APPROVED_APPLY)
    assert approved is not None
    assert approved.record == WAY.record


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        (
            replace(TAKEN, cover=replace(COVER, way=replace(WAY, record="0" * 64))),
            "what it hands to kubectl is not what was approved",
        ),
        (
            replace(TAKEN, cover=replace(COVER, way=replace(WAY, istioctl="0" * 64))),
            "istioctl of the earlier release is another one",
        ),
    ],
)
def test_what_nobody_foresaw_is_asked_about(taken: TakenBack, told: str) -> None:
    """With what it is; an approval of just that lets it go on."""
    paper = go_back(taken)
    asked = paper.run(approve)
    assert isinstance(asked, Ask)
    assert asked.moved == (told,)
    assert isinstance(paper.run(approve, decide("approve", asked.digest)), Done)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "the backup of cluster-x-1 is gone, so what was before can't be held against what comes back"),
        ({"install.json": None}, "in the backup of cluster-x-1 install.json is gone"),
        ({"install.json": "{1}"}, "in the backup of cluster-x-1 install.json was changed"),
    ],
    ids=["gone", "a file gone", "a file changed"],
)
def test_a_backup_that_is_not_as_it_was_written_is_asked_about(change: dict[str, str | None], told: str) -> None:
    """Somebody tidied the state folder up: the approval foresaw that the two are held against each other."""
    paper = go_back()
    changed = {**paper.backups.files, **change} if change else {}
    paper.backups.files = {name: text for name, text in changed.items() if text is not None}
    asked = paper.run(approve)
    assert isinstance(asked, Ask)
    assert asked.moved == (told,)
    assert f"{told[:1].upper()}{told[1:]}." in asked.card.risks
    assert isinstance(paper.run(approve, decide("approve", asked.digest)), Done)


@pytest.mark.parametrize(
    "taken",
    [replace(TAKEN, cover=None), replace(TAKEN, cover=replace(COVER, until=COVER.until - timedelta(hours=25)))],
    ids=["none", "over"],
)
def test_without_a_cover_the_gate_asks(taken: TakenBack) -> None:
    """Two people, as at first."""
    asked = go_back(taken).run(approve)
    assert isinstance(asked, Ask)
    assert (asked.question, asked.moved) == ("Take cluster-x back to 1.4.7-asm.0?", ())


def test_the_card_names_what_is_taken_back() -> None:
    """And where both releases stand."""
    asked = go_back(replace(TAKEN, cover=None)).run(approve)
    assert isinstance(asked, Ask)
    facts = dict(asked.card.facts)
    assert (facts["takes back"], facts["versions"]) == ("cluster-x-1", "1.4.10-asm.18 → 1.4.7-asm.0")


def test_what_a_removed_object_needs_stands_on_the_card() -> None:
    """The earlier release does not bring back what it never brought."""
    asked = go_back(replace(TAKEN, cover=None, removed=("Service istio-system/kiali",))).run(approve)
    assert isinstance(asked, Ask)
    folds = {fold.title: fold.lines for fold in asked.card.details}
    assert folds["Removed by the upgrade, and not brought back"] == (
        "Service istio-system/kiali: cluster-x-1/removed-Service-istio-system-kiali.yaml",
    )


def test_an_owner_of_the_control_plane_is_asked_about_before_the_bot_is_bound() -> None:
    """An approver accepts it, and it goes on; cluster-admin does not stand meanwhile."""
    paper = go_back()
    paper.kubernetes.objects.append(OPERATOR)
    (step,) = APPROVE
    blocked = paper.run(step.run)
    assert isinstance(blocked, Blocked)
    assert blocked.choices == (ACCEPT,)
    assert isinstance(paper.run(step.run, Decision(ACCEPT.id, BEN, paper.now, reason="it rests")), Done)
