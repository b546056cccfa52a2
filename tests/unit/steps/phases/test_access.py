"""The access phase: asked for, bound, checked and taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.contract.errors import GiveUp
from steps.contract.step import Ask, Blocked, Done, Outcome, Waiting
from steps.mesh import Binding, BindingMark, Namespace, Right
from steps.notes.runs import LEFTOVERS
from steps.notes.way_back import TAKEN_BACK, TakenBack
from steps.phases.access import approve, bind, check, release
from steps.phases.own_binding import GUIDE_BINDING, OWN_BINDING, remove_binding
from tests.unit.steps.builders import HUB, NEW, OLD, make_pod
from tests.unit.steps.paper import Paper, decide, start_paper
from tests.unit.steps.paper_ports import ACCOUNT

ADMIN = "admin@example.com"
OTHERS = (ADMIN,)
MARK = BindingMark("journal-1", "cluster-x-1")
EMPTY = Binding(OWN_BINDING, "cluster-admin", ())


def start(*bindings: Binding) -> Paper:
    """A cluster with the manifests' roles and these bindings."""
    paper = start_paper()
    paper.kubernetes.live_by_roles()
    paper.kubernetes.bindings = {one.name: one for one in bindings}
    return paper


def release_all(paper: Paper) -> Outcome:
    """Take the rights back and look at what is left."""
    outcome = paper.run(release)
    return paper.run(release) if isinstance(outcome, Waiting) else outcome


def test_without_a_binding_the_guides_is_created() -> None:
    """cluster-admin-binding for the bot's account, marked as the upgrade's."""
    paper = start()
    paper.run(bind)
    assert paper.kubernetes.bindings == {GUIDE_BINDING: Binding(GUIDE_BINDING, "cluster-admin", (ACCOUNT,), mark=MARK)}
    assert paper.memory.recall("access/binding") == {"name": GUIDE_BINDING, "ours": True}


def test_the_manifests_empty_binding_is_filled_and_emptied() -> None:
    """It stays, so that the account never needs the right to create one."""
    paper = start(EMPTY)
    paper.run(bind)
    assert paper.kubernetes.bindings == {OWN_BINDING: replace(EMPTY, users=(ACCOUNT,), mark=MARK)}
    assert release_all(paper) == Done("cluster-admin is taken back; the sidecars are moved with the operator's role")
    assert paper.kubernetes.bindings == {OWN_BINDING: EMPTY}


@pytest.mark.parametrize("others", [("users", OTHERS), ("others", ("Group admins",))])
def test_a_filled_binding_of_that_name_is_never_edited(others: tuple[str, tuple[str, ...]]) -> None:
    """Whoever stands in it, of whatever kind."""
    filled = replace(EMPTY, **{others[0]: others[1]})  # type: ignore[arg-type]
    paper = start(filled)
    with pytest.raises(GiveUp, match="exists without"):
        paper.run(bind)
    assert paper.kubernetes.bindings == {OWN_BINDING: filled}


def test_a_binding_with_the_account_is_used_as_it_is() -> None:
    """Nothing is created, nothing is the bot's own, nothing is taken back."""
    theirs = Binding(GUIDE_BINDING, "cluster-admin", (*OTHERS, ACCOUNT))
    paper = start(theirs)
    assert isinstance(paper.run(bind), Done)
    assert paper.memory.recall("access/binding") == {"name": GUIDE_BINDING, "ours": False}
    assert release_all(paper) == Done(f"{ACCOUNT} keeps the rights that it had before")
    assert (paper.kubernetes.writes, paper.kubernetes.bindings) == ([], {GUIDE_BINDING: theirs})


def test_somebody_else_s_binding_is_never_edited() -> None:
    """The bot makes one of its own beside it."""
    theirs = Binding(GUIDE_BINDING, "cluster-admin", OTHERS)
    paper = start(theirs)
    paper.run(bind)
    assert paper.kubernetes.bindings[GUIDE_BINDING] == theirs
    assert paper.kubernetes.bindings[OWN_BINDING].users == (ACCOUNT,)


def test_a_binding_of_another_role_is_not_enough() -> None:
    """The guide's name with role view."""
    paper = start(Binding(GUIDE_BINDING, "view", (ACCOUNT,)))
    paper.run(bind)
    assert OWN_BINDING in paper.kubernetes.bindings


@pytest.mark.parametrize("before", [(), (EMPTY,)], ids=["created", "filled"])
def test_a_binding_written_before_a_crash_is_still_the_bot_s_own(before: tuple[Binding, ...]) -> None:
    """It was remembered before it was written: a second run and an abort both know it."""
    paper = start(*before)
    paper.run(bind)
    paper.memory.values.pop("access/binding")
    written = list(paper.kubernetes.writes)
    paper.run(bind)
    assert paper.kubernetes.writes == written
    paper.memory.values.pop("access/binding")
    remove_binding(paper.context())
    assert paper.kubernetes.bindings == {one.name: one for one in before}


def test_what_was_taken_back_can_be_given_again() -> None:
    """And taken back again."""
    paper = start(EMPTY)
    for _ in range(2):
        paper.run(bind)
        assert paper.kubernetes.bindings[OWN_BINDING].users == (ACCOUNT,)
        release_all(paper)
        assert paper.kubernetes.bindings == {OWN_BINDING: EMPTY}


def test_a_binding_that_an_administrator_made_later_is_not_the_bots() -> None:
    """The note of one that was taken back is gone."""
    paper = start()
    paper.run(bind)
    release_all(paper)
    theirs = Binding(GUIDE_BINDING, "cluster-admin", (ACCOUNT,))
    paper.kubernetes.bindings[GUIDE_BINDING] = theirs
    paper.run(bind)
    release_all(paper)
    assert paper.kubernetes.bindings == {GUIDE_BINDING: theirs}


def test_a_binding_that_may_not_be_created_is_not_missed_where_every_right_is_there() -> None:
    """Google IAM may give the same rights."""
    paper = start_paper()
    assert paper.run(bind) == Done(f"{ACCOUNT} has every right already; nothing was bound")
    assert paper.kubernetes.writes == []


def test_a_binding_that_may_not_be_created_blocks_with_the_command() -> None:
    """A cluster administrator has to run it."""
    paper = start()
    paper.kubernetes.binding_fault = GiveUp("may not create clusterrolebindings", "Grant it.")
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


def test_a_created_binding_is_removed() -> None:
    """It was made by the upgrade."""
    paper = start()
    paper.run(bind)
    assert remove_binding(paper.context()) == f"{GUIDE_BINDING} removed"
    assert paper.kubernetes.bindings == {}


@pytest.mark.parametrize("others", [("users", (ACCOUNT, *OTHERS)), ("others", ("Group admins",))])
def test_a_binding_that_others_were_added_to_stays(others: tuple[str, tuple[str, ...]]) -> None:
    """Removing it would take away their rights."""
    paper = start()
    paper.run(bind)
    changed = replace(paper.kubernetes.bindings[GUIDE_BINDING], **{others[0]: others[1]})  # type: ignore[arg-type]
    paper.kubernetes.bindings[GUIDE_BINDING] = changed
    assert "left in place" in remove_binding(paper.context())
    assert paper.kubernetes.bindings[GUIDE_BINDING] == changed


def test_missing_rights_for_the_sidecars_block_with_the_operators_role() -> None:
    """They are looked at after cluster-admin is gone, and again after a retry."""
    paper = start(EMPTY)
    paper.run(bind)
    paper.kubernetes.denied = lambda right: right.subresource == "eviction"
    outcome = release_all(paper)
    assert isinstance(outcome, Blocked)
    assert outcome.why == f"{ACCOUNT} may not: create pods/eviction"
    assert "kubectl apply -k manifests/target-cluster" in outcome.remedy
    assert paper.kubernetes.bindings == {OWN_BINDING: EMPTY}
    paper.kubernetes.live_by_roles()
    assert isinstance(paper.run(release), Done)


@pytest.mark.parametrize(
    ("sidecar", "edited", "blocks"),
    [(OLD, (), False), (NEW, (), True), (OLD, ("AuthorizationPolicy shop/callers",), True)],
    ids=["none", "a pod", "a policy"],
)
def test_a_way_back_needs_the_operators_role_only_for_what_it_has_to_move(
    sidecar: str, edited: tuple[str, ...], blocks: bool
) -> None:
    """An upgrade that stopped for want of that role is taken back without it."""
    paper = start(EMPTY)
    paper.release = replace(paper.release, version=OLD)
    paper.memory.values[TAKEN_BACK.key] = TAKEN_BACK.write(TakenBack("cluster-x-1", NEW, edited=edited))
    paper.kubernetes.pods = [make_pod("web-1", namespace="shop", proxy_image=f"{HUB}/proxyv2:{sidecar}")]
    paper.run(bind)
    paper.kubernetes.denied = lambda right: right.subresource == "eviction"
    assert isinstance(release_all(paper), Blocked) == blocks
    assert paper.kubernetes.bindings == {OWN_BINDING: EMPTY}


def test_asmctls_namespaces_go_while_cluster_admin_stands() -> None:
    """Before the binding is taken back."""
    paper = start(EMPTY)
    paper.kubernetes.namespaces.append(Namespace("asmctl-left"))
    paper.run(bind)
    paper.context().revise(LEFTOVERS, ("asmctl-left", "asmctl-gone"))
    release_all(paper)
    assert paper.kubernetes.writes[-2:] == ["delete namespace asmctl-left", f"change {OWN_BINDING}"]


def test_namespaces_that_may_not_be_removed_are_named_with_the_command() -> None:
    """Where the rights were taken back before."""
    paper = start(EMPTY)
    paper.kubernetes.namespaces.append(Namespace("asmctl-left"))
    paper.context().revise(LEFTOVERS, ("asmctl-left",))
    release_all(paper)
    assert "`kubectl delete namespace asmctl-left`" in paper.said[0]
    assert paper.kubernetes.writes == []


@pytest.mark.parametrize(
    ("binding", "told"),
    [
        ((), f"Creates ClusterRoleBinding {GUIDE_BINDING}: role cluster-admin for {ACCOUNT}"),
        ((EMPTY,), f"Writes {ACCOUNT} into ClusterRoleBinding {OWN_BINDING}, which stands empty"),
    ],
    ids=["created", "filled"],
)
def test_the_gate_says_what_is_bound(binding: tuple[Binding, ...], told: str) -> None:
    """The name, the role and the account."""
    ask = start(*binding).run(approve)
    assert isinstance(ask, Ask)
    assert ask.card.summary[0].startswith(f"{told}. It is taken back")
    assert (ask.card.risks, ask.card.facts[1:]) == ((), (("account", ACCOUNT), ("role", "cluster-admin")))


def test_the_gate_says_what_the_sidecars_will_lack() -> None:
    """In time to have it granted before the upgrade stands half done."""
    paper = start(EMPTY)
    paper.kubernetes.denied = lambda right: right.verb != "get"
    ask = paper.run(approve)
    assert isinstance(ask, Ask)
    assert "patch deployments.apps" in ask.card.risks[0]
    assert "manifests/target-cluster" in ask.card.risks[0]


@pytest.mark.parametrize(
    ("bindings", "by"),
    [
        ((), "by Google IAM or a binding of others"),
        ((Binding(GUIDE_BINDING, "cluster-admin", (ACCOUNT,)),), f"by {GUIDE_BINDING}"),
    ],
    ids=["IAM", "GitOps"],
)
def test_nothing_is_asked_where_every_right_is_there(bindings: tuple[Binding, ...], by: str) -> None:
    """And it is said whence."""
    paper = start_paper()
    paper.kubernetes.bindings = {one.name: one for one in bindings}
    outcome = paper.run(approve)
    told = f"{ACCOUNT} has every right already, {by}: nothing is asked, and nothing is bound or taken back"
    assert outcome == Done(told)


@pytest.mark.parametrize("left", [EMPTY, Binding(GUIDE_BINDING, "cluster-admin", ())], ids=["filled", "created"])
def test_what_an_earlier_upgrade_left_is_asked_for_like_nothing(left: Binding) -> None:
    """It is no right that somebody gave; it becomes this upgrade's and is taken back with it."""
    paper = start(replace(left, users=(ACCOUNT,), mark=BindingMark("journal-1", "cluster-x-0")))
    assert isinstance(paper.run(approve), Ask)
    paper.run(bind)
    assert paper.kubernetes.bindings[left.name].mark == MARK
    release_all(paper)
    assert paper.kubernetes.bindings == ({left.name: left} if left.name == OWN_BINDING else {})


def test_another_bots_binding_is_somebody_else_s() -> None:
    """Its journal is another one."""
    theirs = replace(EMPTY, users=(ACCOUNT,), mark=BindingMark("journal-2", "cluster-x-1"))
    paper = start(theirs)
    assert isinstance(paper.run(approve), Done)
    paper.run(bind)
    release_all(paper)
    assert paper.kubernetes.bindings == {OWN_BINDING: theirs}


def test_an_approval_of_what_was_shown_passes() -> None:
    """The digest is recomputed."""
    paper = start()
    ask = paper.run(approve)
    assert isinstance(ask, Ask)
    assert isinstance(paper.run(approve, decide("approve", ask.digest)), Done)
