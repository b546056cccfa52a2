"""Rows of the outbox that are damaged on the disk: whatever is ordered of an upgrade is done all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.clicks.orders import Abort, Approve, Deny, Order, Pause, Relocate
from bot.journal.bodies import Asking
from bot.journal.rows import Question
from bot.schedule.tables import Reminder
from tests.unit.bot.orders.test_cards import open_question, order, stand
from tests.unit.bot.orders.test_moves import OTHER
from tests.unit.bot.reminders.timetables import deliver
from tests.unit.bot.workbench import ANA, CAI, Build

ORDERS: dict[str, tuple[Callable[[Question], Order], str]] = {
    "pause": (lambda _asked: Pause("cluster-x"), ANA),
    "abort": (lambda _asked: Abort("cluster-x", "why"), ANA),
    "move": (lambda _asked: Relocate("cluster-x", OTHER), ANA),
    "approve": (lambda asked: Approve("cluster-x-1", asked.step, asked.generation), CAI),
    "deny": (lambda asked: Deny("cluster-x", reason="no", code=asked.code), CAI),
}


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "5", '{"upgrade": "cluster-x-1", "closed": ""}'])
@pytest.mark.parametrize("kinds", [("reminder", "answer"), ("gate",)])
@pytest.mark.parametrize("given", ORDERS)
def test_an_order_is_done_beside_a_row_that_can_not_be_read(
    build: Build, given: str, kinds: tuple[str, ...], body: str
) -> None:
    """It may be its card's own, or of another upgrade."""
    engine = stand(build, "control-plane/approve")
    now = engine.clock.now()
    engine.schedules.add_reminders([Reminder(0, "cluster-x-1", "ends", now, now + timedelta(minutes=15))])
    engine.reminders.tick()
    order(engine, Pause("cluster-y"), ANA)
    deliver(engine)
    with engine.store.transact() as db:
        for kind in kinds:
            assert db.execute("update outbox set body = ? where kind = ?", [body, kind]).rowcount
    make, by = ORDERS[given]
    before = engine.row()
    answer = order(engine, make(open_question(engine)), by).text
    assert "fault of the bot itself" not in answer
    assert engine.row() != before


@pytest.mark.parametrize(("step", "kind"), [("control-plane/approve", "gate"), ("validate/run", "blocked")])
def test_a_card_that_can_not_be_read_is_told_anew_where_its_upgrade_goes(build: Build, step: str, kind: str) -> None:
    """A question is asked anew by its step; what blocks stands in the upgrade's row as well."""
    engine = stand(build, step)
    deliver(engine)
    with engine.store.transact() as db:
        assert db.execute("update outbox set body = '{' where kind = ?", [kind]).rowcount
    order(engine, Relocate("cluster-x", OTHER), ANA)
    engine.runner.turn()
    told = [one for one in engine.outbox.list_unsent(engine.clock.now()) if (one.kind, one.channel) == (kind, OTHER)]
    assert len([one for one in told if isinstance(one.body, Asking)]) == 1
    assert open_question(engine)
