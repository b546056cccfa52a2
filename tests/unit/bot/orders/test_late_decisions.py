"""Attacks with time: a decision counts by when it was received, and only while its card can still be true."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.clicks.clicks import Click, Clicks, Door
from bot.clicks.orders import Approve, BreakGlass, Decide, Deny, Order
from bot.settings.policy import Policy
from steps.contract.cards import Card, Choice
from steps.contract.step import Ask, Blocked, Context, Done, Outcome
from steps.gates import pass_gate
from tests.unit.bot.workbench import ANA, BEN, CAI, Build, Engine

GLASS = Policy(frozenset({ANA, BEN}), frozenset({ANA, BEN, CAI}), break_glass=frozenset({CAI}))
MINUTE, DAY = timedelta(minutes=1), timedelta(hours=24)
CARD = ("cluster-x-1", "access/approve", 1)


def ask(ctx: Context) -> Outcome:
    """A gate."""
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


def block(ctx: Context) -> Outcome:
    """A check that may be accepted."""
    return Done("") if ctx.decision else Blocked("a check failed", "Look.", (Choice("accept", "Accept"),))


def stand(build: Build, *plan: str) -> Engine:
    """An upgrade of ana's at the first step of the plan, whose card Slack has."""
    steps = {"access/approve": ask, "access/check": block, "control-plane/apply": ask, "sidecars/approve": ask}
    engine = build({**steps, "end": lambda _ctx: Done("")}, policy=GLASS)
    engine.add_upgrade([*plan, "end"])
    engine.runner.turn()
    engine.post_cards()
    return engine


def receive(engine: Engine, order: Order) -> None:
    """Cai's click is committed now, and nobody looks at it yet."""
    engine.clicks += 1
    door: Door = "command" if isinstance(order, BreakGlass) else "button"
    engine.upgrades.receive(Click(f"c{engine.clicks}", CAI, engine.clock.now(), order, channel="C0", door=door))


def settle(engine: Engine) -> str:
    """What the last click was answered with."""
    engine.upgrades.settle_clicks()
    return Clicks(engine.store).find_answer(f"c{engine.clicks}") or ""


WAYS: dict[str, tuple[str, Order]] = {
    "approve": ("access/approve", Approve(*CARD)),
    "break the glass": ("access/approve", BreakGlass(*CARD, reason="now")),
    "decide": ("access/check", Decide("cluster-x-1", "access/check", 1, choice="accept")),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_decision_that_lay_for_too_long_decides_nothing(build: Build, way: str) -> None:
    """The bot was down, or the disk full: who knows what moved since the person read the card."""
    step, order = WAYS[way]
    engine = stand(build, step)
    receive(engine, order)
    engine.clock.advance(11 * 60)
    assert "could be looked at only 11 min later, so it decides nothing" in settle(engine)
    assert engine.row().state in ("asking", "blocked")


@pytest.mark.parametrize("way", WAYS)
def test_a_decision_that_lay_for_a_while_decides(build: Build, way: str) -> None:
    """Ten minutes at most."""
    step, order = WAYS[way]
    engine = stand(build, step)
    receive(engine, order)
    engine.clock.advance(10 * 60)
    settle(engine)
    assert engine.row().state == "running"


def test_a_denial_stops_however_late_it_is_seen(build: Build) -> None:
    """Nobody who wanted it stopped is told to say so again."""
    engine = stand(build, "access/approve")
    receive(engine, Deny(*CARD, reason="no"))
    engine.clock.advance(3600)
    settle(engine)
    assert engine.journal.find_open_question("cluster-x-1") is None


def test_an_approval_received_in_time_counts_although_it_is_settled_after_the_end(build: Build) -> None:
    """The expiry waits for whoever looks at the click."""
    engine = stand(build, "access/approve")
    engine.clock.advance((DAY - MINUTE).total_seconds())
    receive(engine, Approve(*CARD))
    engine.clock.advance(120)
    engine.runner.turn()
    settle(engine)
    engine.runner.turn()
    assert engine.row().step == "end"


def test_an_approval_received_after_the_end_counts_for_nothing(build: Build) -> None:
    """Even where the expiry itself has not been looked at yet."""
    engine = stand(build, "access/approve")
    engine.clock.advance((DAY + MINUTE).total_seconds())
    receive(engine, Approve(*CARD))
    assert settle(engine).startswith("Too late: access of cluster-x-1 could be decided until")
    engine.runner.turn()
    assert engine.row().state == "blocked"


def test_a_click_that_nobody_ever_settles_holds_the_expiry_for_minutes_only(build: Build) -> None:
    """A click in time is no way to keep a question open."""
    engine = stand(build, "access/approve")
    engine.clock.advance((DAY - MINUTE).total_seconds())
    receive(engine, Approve(*CARD))
    engine.clock.advance(11 * 60)
    engine.runner.turn()
    assert engine.row().state == "blocked"


def test_after_the_first_write_silence_is_no_denial(build: Build) -> None:
    """A half upgraded cluster can't be left: everybody is called, and the question is asked anew."""
    engine = stand(build, "control-plane/apply", "sidecars/approve")
    receive(engine, Approve("cluster-x-1", "control-plane/apply", 1))
    settle(engine)
    engine.runner.turn()
    engine.runner.turn()
    assert (engine.row().step, engine.row().state) == ("sidecars/approve", "asking")
    engine.clock.advance((DAY + MINUTE).total_seconds())
    engine.runner.turn()
    engine.runner.turn()
    row = engine.row()
    assert (row.step, row.state, row.generation) == ("sidecars/approve", "asking", 3)
    called = [str(body["sentence"]) for body in engine.bodies("milestone") if "🚨" in str(body["sentence"])]
    assert called == [
        "🚨 nobody answered in time, and cluster-x stands half upgraded at sidecars: "
        f"the question is asked again. <@{ANA}> <@{BEN}> <@{CAI}>"
    ]
