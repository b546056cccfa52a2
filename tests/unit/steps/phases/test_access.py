"""The access phase."""

from __future__ import annotations

from steps.contract.errors import GiveUp
from steps.contract.step import Ask, Blocked, Done
from steps.mesh import Binding, Right
from steps.phases.access import GUIDE_BINDING, OWN_BINDING, approve, bind, check, remove_binding
from tests.unit.steps.paper import ACCOUNT, decide, start_paper

OTHERS = ("admin@example.com",)


def test_without_a_binding_the_guides_is_created() -> None:
    """cluster-admin-binding for the bot's account."""
    paper = start_paper()
    paper.run(bind)
    assert paper.kubernetes.bindings == {GUIDE_BINDING: Binding(GUIDE_BINDING, "cluster-admin", (ACCOUNT,))}
    assert paper.memory.recall("access/binding") == {"name": GUIDE_BINDING, "ours": True}


def test_a_binding_with_the_account_is_used_as_it_is() -> None:
    """Nothing is created, nothing is the bot's own."""
    paper = start_paper()
    paper.kubernetes.bindings[GUIDE_BINDING] = Binding(GUIDE_BINDING, "cluster-admin", (*OTHERS, ACCOUNT))
    assert isinstance(paper.run(bind), Done)
    assert paper.kubernetes.writes == []
    assert paper.memory.recall("access/binding") == {"name": GUIDE_BINDING, "ours": False}


def test_somebody_else_s_binding_is_never_edited() -> None:
    """The bot makes one of its own beside it."""
    paper = start_paper()
    theirs = paper.kubernetes.bindings[GUIDE_BINDING] = Binding(GUIDE_BINDING, "cluster-admin", OTHERS)
    paper.run(bind)
    assert paper.kubernetes.bindings[GUIDE_BINDING] == theirs
    assert paper.kubernetes.bindings[OWN_BINDING].users == (ACCOUNT,)


def test_a_binding_of_another_role_is_not_enough() -> None:
    """The guide's name with role view."""
    paper = start_paper()
    paper.kubernetes.bindings[GUIDE_BINDING] = Binding(GUIDE_BINDING, "view", (ACCOUNT,))
    paper.run(bind)
    assert OWN_BINDING in paper.kubernetes.bindings


def test_a_binding_created_before_a_crash_is_still_the_bot_s_own() -> None:
    """It was remembered before it was created."""
    paper = start_paper()
    paper.run(bind)
    paper.memory.values.pop("access/binding")
    paper.run(bind)
    assert paper.memory.recall("access/binding") == {"name": GUIDE_BINDING, "ours": True}
    assert paper.kubernetes.writes == [f"create {GUIDE_BINDING}"]


def test_a_binding_that_may_not_be_created_is_not_missed_where_every_right_is_there() -> None:
    """Google IAM may give the same rights."""
    paper = start_paper()
    paper.kubernetes.binding_fault = GiveUp("may not create clusterrolebindings", "Grant it.")
    outcome = paper.run(bind)
    assert outcome == Done(f"{ACCOUNT} has every right already; no binding was created")


def test_a_binding_that_may_not_be_created_blocks_with_the_command() -> None:
    """A cluster administrator has to run it."""
    paper = start_paper()
    paper.kubernetes.binding_fault = GiveUp("may not create clusterrolebindings", "Grant it.")
    paper.kubernetes.denied = lambda right: True
    outcome = paper.run(bind)
    assert isinstance(outcome, Blocked)
    assert f'--clusterrole=cluster-admin --user="{ACCOUNT}"' in outcome.remedy


def test_missing_rights_are_listed_with_the_command() -> None:
    """What the API server denies, gathered by resource."""
    paper = start_paper()
    paper.kubernetes.denied = lambda right: right in (Right("*", "*", "*"), Right("patch", "daemonsets", "apps"))
    outcome = paper.run(check)
    assert isinstance(outcome, Blocked)
    assert outcome.why == f"{ACCOUNT} may not: patch daemonsets.apps"
    assert "kubectl create clusterrolebinding" in outcome.remedy


def test_rights_without_cluster_admin_are_enough() -> None:
    """Everything that is used is allowed, the star isn't."""
    paper = start_paper()
    paper.kubernetes.denied = lambda right: right == Right("*", "*", "*")
    assert isinstance(paper.run(check), Done)


def test_the_own_binding_is_removed() -> None:
    """At the end of the upgrade."""
    paper = start_paper()
    paper.run(bind)
    assert remove_binding(paper.context()) == f"{GUIDE_BINDING} removed"
    assert paper.kubernetes.bindings == {}


def test_a_binding_that_others_were_added_to_stays() -> None:
    """Removing it would take away their rights."""
    paper = start_paper()
    paper.run(bind)
    paper.kubernetes.bindings[GUIDE_BINDING] = Binding(GUIDE_BINDING, "cluster-admin", (ACCOUNT, *OTHERS))
    assert "left in place" in remove_binding(paper.context())
    assert GUIDE_BINDING in paper.kubernetes.bindings


def test_a_binding_that_was_there_is_not_removed() -> None:
    """It isn't the bot's own."""
    paper = start_paper()
    paper.kubernetes.bindings[GUIDE_BINDING] = Binding(GUIDE_BINDING, "cluster-admin", (ACCOUNT,))
    paper.run(bind)
    assert remove_binding(paper.context()) == ""
    assert GUIDE_BINDING in paper.kubernetes.bindings


def test_the_gate_says_what_will_be_created() -> None:
    """The name, the role and the account."""
    ask = start_paper().run(approve)
    assert isinstance(ask, Ask)
    assert ask.card.summary == (
        f"Creates ClusterRoleBinding {GUIDE_BINDING}: role cluster-admin for {ACCOUNT}. It is removed at the end.",
    )


def test_an_approval_of_what_was_shown_passes() -> None:
    """The digest is recomputed."""
    paper = start_paper()
    ask = paper.run(approve)
    assert isinstance(ask, Ask)
    assert isinstance(paper.run(approve, decide("approve", ask.digest)), Done)
