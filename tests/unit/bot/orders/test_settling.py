"""The use cases: who may do what, what is answered, and what happens to a second click."""

from __future__ import annotations

import msgspec
import pytest

from bot.clicks.clicks import Clicks
from bot.journal.records import mark_journal
from steps.contract.cards import Card
from steps.contract.step import Ask, Blocked, Context, Done, Outcome
from steps.gates import pass_gate
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, Build, Engine, write_click


def ask(ctx: Context) -> Outcome:
    """A gate."""
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


def asking_engine(build: Build) -> Engine:
    """An upgrade that ana started and that waits for an approval of access."""
    engine = build(
        {
            "access/approve": ask,
            "access/bind": lambda _ctx: Done("bound"),
            "abort/revoke": lambda _ctx: Done(""),
            "abort/report": lambda _ctx: Done("aborted the upgrade of cluster-x"),
        },
    )
    engine.add_upgrade(["access/approve", "access/bind"])
    engine.runner.turn()
    return engine


def blocked_engine(build: Build) -> Engine:
    """An upgrade that is blocked."""
    engine = build({"access/bind": lambda _ctx: Blocked("no right", "Grant it.")})
    engine.add_upgrade(["access/bind"])
    engine.runner.turn()
    return engine


def test_start_answers_with_the_upgrade_and_its_channel(build: Build) -> None:
    """The private answer names where to look."""
    engine = build({})
    assert engine.click("start") == "Started cluster-x-1. Its thread is in <#C0MESHOPS1>."


def test_start_of_an_unknown_cluster_names_the_known_ones(build: Build) -> None:
    """A slip of the pen is answered with what there is."""
    engine = build({})
    answer = engine.click("start", target="cluster-y")
    assert (
        answer == "There is no cluster `cluster-y` in clusters.toml. Did you mean `cluster-x`? Known ones: cluster-x."
    )


def test_start_by_somebody_without_the_right_is_refused(build: Build) -> None:
    """The answer names whom to ask."""
    engine = build({})
    answer = engine.click("start", DEE)
    assert answer == (
        "You are not among this cluster's requesters, so you can't start an upgrade. "
        "Ask one of: <@U0ANA00001>, <@U0BEN00002>."
    )


def test_a_second_start_is_refused_while_the_first_runs(build: Build) -> None:
    """One upgrade a cluster."""
    engine = build({})
    engine.click("start")
    assert engine.click("start", BEN).startswith("cluster-x already has the upgrade cluster-x-1, started by <@U0ANA")


def test_a_redelivered_click_is_settled_once(build: Build) -> None:
    """Slack may deliver an envelope twice."""
    engine = build({})
    click = write_click("same", "start", ANA, engine.clock.now(), "cluster-x")
    assert [engine.upgrades.receive(click), engine.upgrades.receive(click)] == [True, False]


def test_another_bots_button_decides_nothing_here(build: Build) -> None:
    """Though an upgrade of the same name stands here at the same question; a button of an earlier version counts."""
    engine = asking_engine(build)
    card = {"step": "access/approve", "generation": 1}
    engine.begin_posting_cards()
    for number, mark in enumerate(("0badf00d", mark_journal(engine.journal.read_id()))):
        click = write_click(f"marked-{number}", "approve", BEN, engine.clock.now(), "cluster-x-1", channel="C0", **card)
        engine.upgrades.receive(msgspec.structs.replace(click, journal=mark))
    engine.upgrades.settle_clicks()
    clicks = Clicks(engine.store)
    assert "another bot (journal 0badf00d)" in str(clicks.find_answer("marked-0"))
    assert clicks.find_answer("marked-1") == "You approved access of cluster-x-1."


def test_the_requester_cannot_approve_their_own_upgrade(build: Build) -> None:
    """Four eyes."""
    answer = asking_engine(build).click("approve", ANA)
    assert answer.startswith("You started this upgrade, and its approver must be somebody else.")


def test_somebody_who_is_no_approver_cannot_approve(build: Build) -> None:
    """Only those in clusters.toml."""
    answer = asking_engine(build).click("approve", DEE)
    assert answer.startswith("You are not among this cluster's approvers, so you can't approve.")


def test_the_second_approver_is_told_who_won(build: Build) -> None:
    """One row decides between two clickers."""
    engine = asking_engine(build)
    engine.click("approve", BEN, step="access/approve", generation=1)
    answer = engine.click("approve", CAI, step="access/approve", generation=1)
    assert answer == "Too late: access of cluster-x-1 was already approved by <@U0BEN00002>."


def test_approve_with_nothing_to_approve_says_so(build: Build) -> None:
    """A command that fits no question."""
    engine = build({})
    engine.click("start")
    assert engine.click("approve", BEN) == "Nothing to decide on cluster-x-1: it is running at prepare."


def test_a_denial_blocks_with_its_reason(build: Build) -> None:
    """Denied is not lost: retry asks again."""
    engine = asking_engine(build)
    engine.click("deny", BEN, reason="freeze until Monday")
    engine.runner.turn()
    assert engine.row().sentence == "access was denied by <@U0BEN00002>: freeze until Monday"


def test_a_denial_without_a_reason_is_asked_for_one(build: Build) -> None:
    """A denial says why."""
    assert "needs a reason" in asking_engine(build).click("deny", BEN)


def test_approve_on_a_blocked_upgrade_explains_the_block(build: Build) -> None:
    """Blocked can't be approved away."""
    answer = blocked_engine(build).click("approve", BEN)
    assert answer == "Nothing to approve: cluster-x-1 is blocked. no right. Grant it."


def test_retry_is_refused_while_nothing_is_blocked(build: Build) -> None:
    """Only legal actions."""
    answer = asking_engine(build).click("retry")
    assert answer == (
        "Can't retry cluster-x-1: it waits for an approval at access. Possible now: approve, deny, pause, abort, move."
    )


def test_abort_runs_the_steps_that_clean_up(build: Build) -> None:
    """Abort starts nothing more and says what is left."""
    engine = asking_engine(build)
    engine.click("abort")
    engine.runner.turn()
    engine.runner.turn()
    assert engine.row().state == "aborted"


def test_an_approval_after_the_abort_is_refused(build: Build) -> None:
    """A late click can't revive an aborted upgrade."""
    engine = asking_engine(build)
    engine.click("abort")
    assert "not current" in engine.click("approve", BEN, step="access/approve", generation=1)


def test_pause_and_resume_keep_the_open_question(build: Build) -> None:
    """A pause loses no question."""
    engine = asking_engine(build)
    engine.click("pause")
    engine.click("resume")
    assert engine.click("approve", BEN) == "You approved access of cluster-x-1."


def test_approving_a_paused_upgrade_is_refused(build: Build) -> None:
    """What is paused stays as it is."""
    engine = asking_engine(build)
    engine.click("pause")
    assert "is paused by" in engine.click("approve", BEN)


def test_start_options_with_faults_are_named(build: Build) -> None:
    """Nothing is started with an option that istioctl would choke on."""
    engine = build({})
    answer = engine.click("start", arguments={"set": ["values.x=a,b"], "mtls": "STRICT", "colour": "red"})
    assert "takes exactly one `=`" in answer
    assert "`colour` is no option" in answer


@pytest.mark.parametrize("action", ["pause", "resume", "retry", "abort", "approve", "deny"])
def test_actions_without_an_upgrade_say_that_there_is_none(build: Build, action: str) -> None:
    """A clear answer where nothing runs."""
    engine = build({})
    assert engine.click(action, BEN).startswith("No upgrade of cluster-x is under way.")


def test_a_card_is_closed_by_the_decision(build: Build) -> None:
    """The old card says who decided and loses its buttons."""
    engine = asking_engine(build)
    engine.click("approve", BEN)
    assert engine.bodies("gate")[0]["closed"] == "approved by <@U0BEN00002>"
