"""A clock that is set an hour forward or back costs an upgrade neither its approvals nor its patience."""

from __future__ import annotations

from datetime import timedelta

import pytest

from steps.contract.cards import Card
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from tests.unit.bot.workbench import BEN, Build

HOUR = 3600.0


def wait(_ctx: Context) -> Outcome:
    """A step that looks again in five seconds."""
    return Waiting("no node yet", 5)


def ask(ctx: Context) -> Outcome:
    """A gate."""
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": 1}))


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_waiting_step_goes_on_at_once(build: Build, jump: float) -> None:
    """Nobody waits for the hour to pass a second time."""
    looks: list[str] = []

    def look(ctx: Context) -> Outcome:
        looks.append(ctx.step_id)
        return Done("seen") if len(looks) > 1 else Waiting("no node yet", 5)

    engine = build({"prepare/a": look})
    engine.add_upgrade(["prepare/a"])
    engine.runner.turn()
    engine.clock.advance(jump)
    engine.runner.turn()
    assert engine.row().state == "upgraded"


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_uses_up_no_patience(build: Build, jump: float) -> None:
    """A step that has just begun to wait isn't Blocked for an hour that nobody saw."""
    engine = build({"prepare/a": wait}, patience=timedelta(minutes=30))
    engine.add_upgrade(["prepare/a"])
    engine.runner.turn()
    engine.clock.advance(jump)
    engine.runner.turn()
    assert engine.row().state == "running"


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_patience_still_ends(build: Build, jump: float) -> None:
    """After the jump it is counted as ever."""
    engine = build({"prepare/a": wait}, patience=timedelta(minutes=30))
    engine.add_upgrade(["prepare/a"])
    engine.runner.turn()
    engine.clock.advance(jump)
    for _ in range(32):
        engine.runner.turn()
        engine.clock.advance(60)
    assert (engine.row().state, "no node yet" in engine.row().sentence) == ("blocked", True)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_an_approval_given_across_a_jump_counts(build: Build, jump: float) -> None:
    """A question of a day is neither lost nor asked twice."""
    engine = build({"access/approve": ask})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    engine.clock.advance(jump)
    engine.runner.turn()
    engine.click("approve", BEN)
    engine.runner.turn()
    assert engine.row().state == "upgraded"


def test_the_expiry_on_the_card_holds_after_a_jump(build: Build) -> None:
    """What is past its printed time is denied, also where the clock only jumped there: the safe side."""
    engine = build({"access/approve": ask})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    engine.clock.advance(25 * HOUR)
    engine.runner.turn()
    assert "not approved in time" in engine.row().sentence
