"""Who counts as a person of this workspace, and for how long a group's members count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.settings.policy import Policy
from steps.contract.cards import Card
from steps.contract.step import Ask, Context, Done, Outcome
from steps.gates import pass_gate
from tests.unit.bot.society import BOT, GONE, GROUP, GUEST, OTHER, OUTSIDER, UNKNOWN, PaperDirectory
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, Build, Engine

EVERYBODY = frozenset({ANA, BEN, OUTSIDER, GUEST, GONE, BOT, UNKNOWN})
POLICY = Policy(EVERYBODY, frozenset({GROUP, BEN}))


def ask(ctx: Context) -> Outcome:
    """A gate."""
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


def asking(build: Build, directory: PaperDirectory, policy: Policy = POLICY) -> Engine:
    """An upgrade of ana's that waits for an approval."""
    engine = build(
        {"access/approve": ask, "access/bind": lambda _ctx: Done("bound")}, policy=policy, directory=directory
    )
    engine.add_upgrade(["access/approve", "access/bind"])
    engine.runner.turn()
    return engine


def test_a_member_of_an_approving_group_approves(build: Build) -> None:
    """The group stands in clusters.toml, the member doesn't."""
    assert asking(build, PaperDirectory()).click("approve", CAI) == "You approved access of cluster-x-1."


def test_somebody_taken_out_of_the_group_can_approve_for_a_minute_at_most(build: Build) -> None:
    """What was read counts for 60 s."""
    directory = PaperDirectory()
    engine = asking(build, directory)
    engine.click("pause", CAI)
    engine.click("resume", CAI)
    directory.groups[GROUP] = frozenset({BEN})
    engine.clock.advance(60)
    assert engine.click("approve", CAI).startswith("You are not among this cluster's approvers")


def test_a_group_is_not_asked_for_at_every_click(build: Build) -> None:
    """Slack answers 20 such questions a minute."""
    directory = PaperDirectory()
    engine = asking(build, directory)
    for _ in range(20):
        engine.click("pause", CAI)
        engine.clock.advance(1)
    assert directory.calls.count(f"group {GROUP}") == 1


def test_a_group_that_slack_does_not_tell_is_nobody(build: Build) -> None:
    """An error means no, and the answer says so."""
    answer = asking(build, PaperDirectory(groups={})).click("approve", CAI)
    assert answer == (
        "You are not among this cluster's approvers, so you can't approve. Ask one of: <@U0BEN00002>. "
        "Slack did not say who is in S0APPROVE1 (no_such_subteam), so nobody counts as a member; "
        "try again in a minute."
    )


def test_nobody_acts_while_slack_does_not_say_who_they_are(build: Build) -> None:
    """Not even those who are named in clusters.toml."""
    answer = asking(build, PaperDirectory(fault="it asks to wait 30 s")).click("approve", BEN)
    assert answer == (
        "Slack did not say who you are (it asks to wait 30 s), so nothing was done. Try again in a moment."
    )


def test_a_fault_is_forgotten_after_some_seconds(build: Build) -> None:
    """Slack is asked again."""
    directory = PaperDirectory(fault="timed out")
    engine = asking(build, directory)
    engine.click("approve", BEN)
    directory.fault = ""
    engine.clock.advance(5)
    assert engine.click("approve", BEN) == "You approved access of cluster-x-1."


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (OUTSIDER, "another workspace"),
        (GUEST, "Guests can't"),
        (GONE, "deactivated"),
        (BOT, "Bots can't"),
        (UNKNOWN, "user_not_found"),
    ],
)
def test_strangers_may_do_nothing_though_clusters_toml_names_them(build: Build, user: str, why: str) -> None:
    """The account itself is looked at."""
    assert why in asking(build, PaperDirectory()).click("pause", user)


def test_a_guest_in_an_approving_group_is_refused(build: Build) -> None:
    """Membership of a group makes nobody a member of the workspace."""
    assert "Guests can't" in asking(build, PaperDirectory()).click("approve", GUEST)


def test_a_click_that_comes_from_another_workspace_is_refused(build: Build) -> None:
    """The payload's own word on the actor's team counts as well."""
    assert "another workspace" in asking(build, PaperDirectory()).click("approve", BEN, team=OTHER)


def test_people_of_a_workspace_named_in_clusters_toml_count(build: Build) -> None:
    """Two workspaces of one company."""
    policy = Policy(EVERYBODY, frozenset({OUTSIDER}), workspaces=frozenset({OTHER}))
    answer = asking(build, PaperDirectory(), policy).click("approve", OUTSIDER, team=OTHER)
    assert answer == "You approved access of cluster-x-1."


def test_orders_from_other_channels_are_refused_where_channels_are_named(build: Build) -> None:
    """The answer names the right one."""
    policy = Policy(EVERYBODY, frozenset({BEN}), channels=frozenset({"C0OTHER001"}))
    answer = asking(build, PaperDirectory(), policy).click("approve", BEN)
    assert answer == "This cluster takes no orders from this channel. Use one of: <#C0MESHOPS1>, <#C0OTHER001>."


def test_status_asks_slack_nothing(build: Build) -> None:
    """Reading is free."""
    directory = PaperDirectory()
    asking(build, directory).click("status", BEN)
    assert directory.calls == []


TWO = Policy(EVERYBODY, frozenset({GROUP, BEN, DEE}), approvals_needed=2)


def leave(directory: PaperDirectory) -> None:
    """Cai's account is deactivated."""
    directory.people[CAI] = replace(directory.people[CAI], deleted=True)


def move_away(directory: PaperDirectory) -> None:
    """Cai is taken out of the approvers' group."""
    directory.groups[GROUP] = frozenset()


@pytest.mark.parametrize("change", [leave, move_away])
def test_an_approval_of_somebody_who_counts_no_more_is_not_counted(
    build: Build, change: Callable[[PaperDirectory], None]
) -> None:
    """Everybody is read again before the last one decides; it takes another approver then."""
    directory = PaperDirectory()
    engine = asking(build, directory, TWO)
    engine.click("approve", CAI)
    change(directory)
    engine.clock.advance(60)
    assert engine.click("approve", BEN) == "Yours is approval 1 of 2 for access of cluster-x-1."
    assert engine.row().state == "asking"
    assert engine.click("approve", DEE) == "You approved access of cluster-x-1."


def test_an_approval_of_somebody_whom_slack_does_not_tell_is_asked_about_again(build: Build) -> None:
    """It neither counts nor is it lost."""
    directory = PaperDirectory()
    engine = asking(build, directory, TWO)
    engine.click("approve", CAI)
    engine.clock.advance(60)
    gone = directory.people.pop(CAI)
    assert engine.click("approve", BEN).startswith(f"Slack did not say who <@{CAI}> is, whose approval counts here too")
    assert engine.row().state == "asking"
    directory.people[CAI] = gone
    engine.clock.advance(10)
    assert engine.click("approve", BEN) == "You approved access of cluster-x-1."
