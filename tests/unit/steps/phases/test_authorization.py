"""The authorization phase."""

from __future__ import annotations

import pytest

from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.phases.authorization import apply, approve, describe_findings
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
    """Or that there is only something to acknowledge."""
    edits = with_policies(OLD_PRINCIPAL, "other.example/ns/a/sa/b").run(approve)
    only_told = with_policies("web").run(approve)
    assert isinstance(edits, Ask)
    assert isinstance(only_told, Ask)
    assert [ask.choices[0].label for ask in (edits, only_told)] == ["Apply 2 edits", "Acknowledge"]


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


def test_what_came_after_the_approval_is_not_edited() -> None:
    """Only what was shown."""
    paper = with_policies(OLD_PRINCIPAL)
    approve_all(paper)
    paper.kubernetes.objects.append(policy(["late.example/ns/a/sa/b"], name="late"))
    while isinstance(outcome := paper.run(apply), Waiting):
        pass
    assert outcome == Done("1 authorization policy edited")
    assert paper.kubernetes.writes == ["apply AuthorizationPolicy policy-0"]


def test_a_new_finding_voids_the_approval() -> None:
    """The gate is asked anew."""
    paper = with_policies(OLD_PRINCIPAL)
    ask = paper.run(approve)
    assert isinstance(ask, Ask)
    paper.kubernetes.objects.append(policy(["late.example/ns/a/sa/b"], name="late"))
    assert isinstance(paper.run(approve, decide("approve", ask.digest)), Ask)


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
