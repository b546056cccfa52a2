"""Rows of the outbox that are damaged on the disk: whatever is ordered of an upgrade is done all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.clicks.orders import Abort, Approve, Deny, Order, Pause, Relocate
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
