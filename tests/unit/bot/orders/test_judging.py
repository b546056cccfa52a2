"""Which approvals ask once more, by the policy at the decision and not by who asked the question when."""

from __future__ import annotations

import pytest

from bot.clicks.orders import Approve
from bot.orders.judging import UNCOUNTED
from bot.settings.policy import Policy
from steps.contract.cards import Card
from steps.contract.step import Ask, Done
from steps.gates import pass_gate
from tests.unit.bot.orders.test_cards import GLASS, TRIAL, open_question, order, press, stand
from tests.unit.bot.workbench import BEN, Build, Engine


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize(("step", "mode"), [("control-plane/approve", ""), ("control-plane/approve-mtls", "STRICT")])
def test_a_change_of_the_mesh_asks_once_more_where_an_earlier_version_asked(
    build: Build, step: str, mode: str, confirmed: bool
) -> None:
    """Its question has no sentence for that, so the button has a plain one."""
    engine = stand_at(build, step, mode)
    asked = open_question(engine)
    answer = order(engine, Approve("cluster-x-1", asked.step, asked.generation, confirmed=confirmed), BEN)
    assert (engine.row().state == "running") == confirmed
    if not confirmed:
        assert answer.card
        assert [button.confirm for button in answer.card.choices] == [UNCOUNTED]
        order(engine, press(answer.card.choices[0], asked, ""), BEN)
        assert engine.row().state == "running"


@pytest.mark.parametrize(("step", "mode"), [("access/approve", ""), ("control-plane/approve-mtls", "PERMISSIVE")])
def test_nothing_else_asks_once_more_without_a_sentence(build: Build, step: str, mode: str) -> None:
    """Nobody is cut off by it."""
    engine = stand_at(build, step, mode)
    asked = open_question(engine)
    order(engine, Approve("cluster-x-1", asked.step, asked.generation), BEN)
    assert engine.row().state == "running"


def stand_at(build: Build, step: str, mode: str) -> Engine:
    """An upgrade in production that asks at this step for this mode of mTLS, without a sentence."""
    ask = Ask("Change it?", Card("Change"), {"mTLS": mode})
    engine = build({step: lambda ctx: pass_gate(ctx, ask), "end": lambda _ctx: Done("")}, policy=GLASS)
    engine.add_upgrade([step, "end"])
    engine.runner.turn()
    engine.post_cards()
    return engine


@pytest.mark.parametrize(("policy", "again"), [(GLASS, "Replace 68 objects?"), (TRIAL, "")], ids=["in", "not in"])
def test_a_private_copy_asks_once_more_in_production_alone(build: Build, policy: Policy, again: str) -> None:
    """As the policy is then, whatever it was when the question was asked."""
    engine = stand(build, "control-plane/twice", policy=policy)
    engine.post_cards()
    answer = order(engine, Approve("cluster-x"))
    assert answer.card
    assert [button.confirm for button in answer.card.choices] == [again, ""]
