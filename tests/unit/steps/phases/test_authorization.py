"""The authorization phase."""

from __future__ import annotations

import pytest

from steps.contract.step import Ask, Blocked, Decision, Done, Outcome, Waiting
from steps.notes.permissions import SEEN_FINDINGS
from steps.phases.authorization import apply, approve, describe_findings
from tests.unit.steps.builders import NOW
from tests.unit.steps.install.test_policies import binding, policy
from tests.unit.steps.paper import Paper, decide, start_paper

OLD_PRINCIPAL = "old.example/ns/shop/sa/web"


def with_policies(*principals: str) -> Paper:
    """An upgrade of a mesh with one policy for each principal."""
    paper = start_paper()
    paper.kubernetes.objects = [policy([p], name=f"policy-{number}") for number, p in enumerate(principals)]
    return paper


def approve_all(paper: Paper) -> None:
    """Approve what the gate shows."""
    ask = paper.run(approve)
    assert isinstance(ask, Ask)
    assert isinstance(paper.run(approve, decide("approve", ask.digest)), Done)


def test_without_findings_nothing_is_asked() -> None:
    """And nothing applied."""
    paper = with_policies("cluster.local/ns/a/sa/b")
    assert paper.run(approve) == Done("no authorization policy needs a change")
    assert paper.run(apply) == Done("")


def test_a_finding_is_shown_with_its_edit() -> None:
    """As a small diff."""
    ask = with_policies(OLD_PRINCIPAL).run(approve)
    assert isinstance(ask, Ask)
    assert ask.card.details[1].lines == (
        "AuthorizationPolicy shop/policy-0 spec.rules[0].from[0].source.principals[0]",
        f"- {OLD_PRINCIPAL}",
        "+ cluster.local/ns/shop/sa/web",
    )


def test_the_button_says_how_many_edits() -> None:
    """Of all that the card shows."""
    edits = with_policies(OLD_PRINCIPAL, "other.example/ns/a/sa/b").run(approve)
    assert isinstance(edits, Ask)
    assert edits.choices[0].label == "Apply 2 edits"


def test_findings_that_the_bot_can_t_edit_are_told_and_ask_nothing() -> None:
    """There is nothing to decide on; the card names each, and the step that edits asks nobody either."""
    paper = with_policies("web")
    told = paper.run(approve)
    assert isinstance(told, Done)
    assert told.card is not None
    assert (told.sentence, len(told.card.details[0].lines)) == ("authorization: 1 finding: 1 is for a person", 1)
    assert paper.run(apply) == Done("")


def test_approved_edits_are_made_one_object_a_turn() -> None:
    """Then the findings are gone."""
    paper = with_policies(OLD_PRINCIPAL, "other.example/ns/a/sa/b")
    approve_all(paper)
    assert isinstance(paper.run(apply), Waiting)
    assert isinstance(paper.run(apply), Waiting)
    assert paper.run(apply) == Done("2 authorization policies edited")
    assert paper.kubernetes.writes == ["apply AuthorizationPolicy policy-0", "apply AuthorizationPolicy policy-1"]


def test_declined_edits_are_not_made() -> None:
    """And the upgrade goes on."""
    paper = with_policies(OLD_PRINCIPAL)
    outcome = paper.run(approve, decide("deny"))
    assert outcome == Done("1 authorization finding left as they are by {person U0BEN00002}")
    assert paper.run(apply) == Done("")
    assert paper.kubernetes.writes == []


def decided(ask: Outcome, choice: str = "approve") -> Decision:
    """A person's decision on what was asked, with what stood on its card."""
    assert isinstance(ask, Ask)
    return Decision(choice, "U0BEN00002", NOW, ask.digest, binding=ask.binding)


def late_finding() -> Paper:
    """An upgrade whose approved edits were made while another finding came up."""
    paper = with_policies(OLD_PRINCIPAL)
    approve_all(paper)
    paper.kubernetes.objects.append(policy(["late.example/ns/a/sa/b"], name="late"))
    return paper


@pytest.mark.parametrize(("choice", "edits"), [("approve", 2), ("deny", 1)])
def test_what_came_after_the_approval_is_asked_about_by_the_step_that_edits(choice: str, edits: int) -> None:
    """What was approved is edited first; the new one only with a yes of its own."""
    paper = late_finding()
    assert isinstance(paper.run(apply), Waiting)
    ask = paper.run(apply)
    assert isinstance(ask, Ask)
    assert ask.moved == ("AuthorizationPolicy shop/late was on no card yet",)
    assert paper.kubernetes.writes == ["apply AuthorizationPolicy policy-0"]
    while isinstance(outcome := paper.run(apply, decided(ask, choice)), Waiting):
        pass
    assert isinstance(outcome, Done)
    assert len(paper.kubernetes.writes) == edits


def test_each_late_finding_has_a_question_of_its_own() -> None:
    """A yes to the one before covers none that came later."""
    paper = late_finding()
    paper.run(apply)
    first = decided(paper.run(apply))
    paper.run(apply, first)
    paper.run(apply, first)
    paper.kubernetes.objects.append(policy(["later.example/ns/a/sa/b"], name="later"))
    again = paper.run(apply, first)
    assert isinstance(again, Ask)
    assert again.moved == ("AuthorizationPolicy shop/later was on no card yet",)


@pytest.mark.parametrize(("now", "writes"), [((OLD_PRINCIPAL,), 1), ((OLD_PRINCIPAL, "late.example/ns/a/sa/b"), 1)])
def test_findings_are_covered_by_direction(now: tuple[str, ...], writes: int) -> None:
    """Fewer than were shown need no second approval, and a new one voids nothing: it is asked about later."""
    paper = with_policies(OLD_PRINCIPAL, "other.example/ns/a/sa/b")
    ask = paper.run(approve)
    paper.kubernetes.objects = with_policies(*now).kubernetes.objects
    assert isinstance(paper.run(approve, decided(ask)), Done)
    assert isinstance(paper.run(apply), Waiting)
    assert len(paper.kubernetes.writes) == writes


def test_edits_under_an_approval_that_is_too_old_are_asked_about_again() -> None:
    """As after a night in which the phase was blocked."""
    paper = with_policies(OLD_PRINCIPAL)
    approve_all(paper)
    paper.approval_ended = paper.now
    ask = paper.run(apply)
    assert isinstance(ask, Ask)
    assert ask.moved[0].startswith("its approval counted until")
    assert paper.kubernetes.writes == []
    paper.approval_ended = None
    assert isinstance(paper.run(apply, decided(ask)), Waiting)
    assert len(paper.kubernetes.writes) == 1


def test_findings_kept_by_an_earlier_version_are_not_asked_about() -> None:
    """It did not note what was seen."""
    paper = late_finding()
    del paper.memory.values[SEEN_FINDINGS.key]
    paper.run(apply)
    assert isinstance(paper.run(apply), Done)


def test_an_edit_that_does_not_hold_blocks() -> None:
    """Something else writes the old value back."""
    paper = with_policies(OLD_PRINCIPAL)
    approve_all(paper)
    before = list(paper.kubernetes.objects)
    paper.run(apply)
    paper.kubernetes.objects = before
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert "kubectl edit authorizationpolicy policy-0 -n shop" in outcome.remedy
    assert outcome.choices[0].id == "skip"


def test_an_edit_that_does_not_hold_may_be_left() -> None:
    """With a reason."""
    paper = with_policies(OLD_PRINCIPAL)
    approve_all(paper)
    assert isinstance(paper.run(apply, decide("skip", reason="owned by GitOps")), Done)


def test_old_bindings_are_shown_and_edited_too() -> None:
    """v1alpha1 is still honoured in 1.4."""
    paper = start_paper()
    paper.kubernetes.objects = [binding([{"user": OLD_PRINCIPAL}])]
    approve_all(paper)
    paper.run(apply)
    assert paper.kubernetes.writes == ["apply ServiceRoleBinding bind-web"]


def test_an_alias_in_force_is_no_finding() -> None:
    """The live mesh config counts."""
    paper = with_policies(OLD_PRINCIPAL)
    mesh = "trustDomain: example-project.svc.id.goog\ntrustDomainAliases: [old.example]\n"
    paper.kubernetes.config_maps["istio"] = {"mesh": mesh}
    assert paper.run(approve) == Done("no authorization policy needs a change")


@pytest.mark.parametrize(
    ("findings", "edits", "sentence"),
    [
        (1, 1, "1 finding: the bot can edit it."),
        (3, 3, "3 findings: the bot can edit all."),
        (3, 2, "3 findings: the bot can edit 2, 1 is for a person."),
        (2, 0, "2 findings: 2 are for a person."),
    ],
)
def test_the_card_says_who_edits_what(findings: int, edits: int, sentence: str) -> None:
    """Without others there are none to speak of."""
    assert describe_findings(findings, edits) == sentence
