"""Approvals that take several people, and the one who breaks the glass."""

from __future__ import annotations

from dataclasses import replace

from bot.journal.audit import Asked, GlassBroken, name_event
from bot.settings.policy import Policy
from steps.contract.cards import Card
from steps.contract.notes import Note, read_as
from steps.contract.step import Ask, Context, Done, Outcome
from steps.gates import pass_gate
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, POLICY, Build, Engine

TWO = replace(POLICY, approvals_needed=2)
GLASS = replace(POLICY, break_glass=frozenset({ANA}))


WHAT = Note("prepare/what", read_as(str))


def ask(ctx: Context) -> Outcome:
    """A gate that shows what the upgrade remembers."""
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": ctx.recall(WHAT)}))


def asking(build: Build, policy: Policy) -> Engine:
    """An upgrade of ana's that waits for an approval."""
    engine = build({"access/approve": ask, "access/bind": lambda _ctx: Done("bound")}, policy=policy)
    engine.add_upgrade(["access/approve", "access/bind"])
    engine.runner.turn()
    return engine


def test_the_first_of_two_approvals_decides_nothing(build: Build) -> None:
    """It is counted and told."""
    engine = asking(build, TWO)
    assert engine.click("approve", BEN) == "Yours is approval 1 of 2 for access of cluster-x-1."
    assert engine.row().state == "asking"


def test_the_second_of_two_approvals_decides(build: Build) -> None:
    """The card names both."""
    engine = asking(build, TWO)
    engine.click("approve", BEN)
    engine.click("approve", CAI)
    assert engine.bodies("gate")[0]["closed"] == "approved by <@U0BEN00002> and <@U0CAI00003>"


def test_one_person_counts_once(build: Build) -> None:
    """A second click of the same person is no second approval."""
    engine = asking(build, TWO)
    engine.click("approve", BEN)
    answer = engine.click("approve", BEN)
    assert (answer, engine.row().state) == (
        "You approved this already; 1 more of the approvers are needed.",
        "asking",
    )


def test_one_denial_is_enough_after_an_approval(build: Build) -> None:
    """No is no."""
    engine = asking(build, TWO)
    engine.click("approve", BEN)
    engine.click("deny", CAI, reason="not today")
    engine.runner.turn()
    assert engine.row().sentence == "access was denied by <@U0CAI00003>: not today"


def test_an_approval_of_what_has_moved_counts_no_more(build: Build) -> None:
    """A new question starts from none."""
    engine = asking(build, TWO)
    engine.click("approve", BEN)
    engine.click("approve", CAI)
    engine.journal.revise_json("cluster-x-1", WHAT.key, "something else")
    engine.runner.turn()
    assert engine.click("approve", BEN) == "Yours is approval 1 of 2 for access of cluster-x-1."


def test_the_requester_is_none_of_the_two(build: Build) -> None:
    """Four eyes hold for each approval."""
    engine = asking(build, TWO)
    engine.click("approve", BEN)
    assert engine.click("approve", ANA).startswith("You started this upgrade")


def test_breaking_the_glass_decides_alone(build: Build) -> None:
    """Even the requester, even where two are needed."""
    engine = asking(build, replace(GLASS, approvals_needed=2))
    answer = engine.click("break-glass", ANA, reason="checkout is down")
    assert answer == "You approved access of cluster-x-1."


def test_breaking_the_glass_is_announced_to_the_approvers(build: Build) -> None:
    """With the reason and a mention of each."""
    engine = asking(build, GLASS)
    engine.click("break-glass", ANA, reason="checkout is down")
    assert engine.bodies("milestone")[-1]["sentence"] == (
        "🚨 glass broken: access approved alone by <@U0ANA00001>: checkout is down <@U0BEN00002> <@U0CAI00003>"
    )


def test_breaking_the_glass_stands_in_the_audit(build: Build) -> None:
    """Under a name of its own."""
    engine = asking(build, GLASS)
    engine.click("break-glass", ANA, reason="checkout is down")
    asked, entry = engine.journal.list_audit("cluster-x-1")
    assert isinstance(asked.event, Asked)
    assert isinstance(entry.event, GlassBroken)
    assert (entry.event.code, entry.event.shown) == (asked.event.code, asked.event.shown)
    assert (name_event(entry.event), entry.event.reason) == ("break-glass", "checkout is down")


def test_breaking_the_glass_needs_a_reason(build: Build) -> None:
    """It would be announced without one."""
    assert "needs a reason" in asking(build, GLASS).click("break-glass", ANA)


def test_nobody_breaks_the_glass_where_nobody_is_named(build: Build) -> None:
    """Not configured means nobody."""
    answer = asking(build, POLICY).click("break-glass", BEN, reason="hurry")
    assert answer.startswith("Nobody may break the glass of this cluster.")


def test_only_those_named_break_the_glass(build: Build) -> None:
    """The answer names them."""
    answer = asking(build, GLASS).click("break-glass", DEE, reason="hurry")
    assert answer == "You may not break the glass of this cluster. Ask one of: <@U0ANA00001>."
