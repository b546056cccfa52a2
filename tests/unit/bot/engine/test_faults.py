"""What the bot itself fails at: one upgrade's trouble is its own."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from steps.contract.cards import Card
from steps.contract.step import Ask, Done
from steps.gates import pass_gate
from tests.unit.bot.workbench import Build


def test_a_card_that_can_not_be_read_expires_like_any_other(build: Build) -> None:
    """Its row was damaged on the disk; the question ends all the same, and nothing ends the bot."""
    engine = build({"download/approve": lambda ctx: pass_gate(ctx, Ask("May it?", Card("Card"), {"what": "this"}))})
    engine.add_upgrade(["download/approve"])
    engine.runner.turn()
    with engine.store.transact() as db:
        db.execute("""update outbox set body = '{"question": 5}' where kind = 'gate'""")
    engine.clock.advance(40 * 86400)
    engine.runner.turn()
    assert engine.row().state == "blocked"


def test_a_fault_that_can_not_even_be_told_holds_up_its_own_upgrade_alone(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again later, and the others go on; a journal that is broken still ends the turn."""
    engine = build({"prepare/a": lambda _ctx: Done("seen")})
    engine.add_upgrade(["prepare/a"])
    engine.add_upgrade(["prepare/a"], "cluster-y")
    draw_root = engine.chronicle.draw_root

    def fail(upgrade: str, now: datetime) -> None:
        if upgrade == "cluster-x-1":
            raise TypeError("no root")
        draw_root(upgrade, now)

    monkeypatch.setattr(engine.chronicle, "draw_root", fail)
    engine.runner.turn()
    row = engine.row()
    assert (row.state, row.due) == ("running", engine.clock.now() + timedelta(seconds=15))
    assert "could not be told (incident " in row.sentence
    assert engine.row("cluster-y-1").state == "upgraded"
    monkeypatch.setattr(engine.chronicle, "draw_root", draw_root)
    engine.clock.advance(16)
    engine.runner.turn()
    assert engine.row().state == "upgraded"
