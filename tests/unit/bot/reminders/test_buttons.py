"""Who gets which button, and when buttons go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from steps.contract.step import Done
from tests.unit.bot.reminders.timetables import (
    CHANNEL,
    LATER,
    ask,
    deliver,
    moment,
    posted,
    scheduled,
    tick_to,
)
from tests.unit.bot.workbench import ANA, BEN, CAI, START, Build


def test_the_requester_gets_no_button_that_four_eyes_forbid(build: Build) -> None:
    """Ana is an approver too, but this upgrade is hers."""
    engine = scheduled(build)
    tick_to(engine, moment(3, 2))
    assert [bool(posted(engine, user)[-1]["choices"]) for user in (ANA, BEN)] == [False, True]


def test_who_may_not_approve_is_not_asked_again(build: Build) -> None:
    """Neither by name nor by direct message."""
    engine = build({"access/approve": ask})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    tick_to(engine, START + timedelta(hours=1))
    assert f"<@{ANA}>" not in posted(engine)[0]["text"]
    assert posted(engine, ANA) == []


def test_a_decided_approval_takes_the_buttons_from_its_reminders(build: Build) -> None:
    """And says who decided."""
    engine = build({"access/approve": ask, "access/bind": lambda _c: Done("")})
    engine.add_upgrade(["access/approve", "access/bind"])
    engine.runner.turn()
    tick_to(engine, START + timedelta(hours=1))
    engine.click("approve", BEN)
    assert [body["closed"] for place in (CHANNEL, CAI) for body in posted(engine, place)] == [
        f"approved by <@{BEN}>",
        f"approved by <@{BEN}>",
    ]


def test_an_abort_takes_the_buttons_from_all_reminders(build: Build) -> None:
    """There is nothing left to snooze, move or cancel."""
    engine = scheduled(build)
    tick_to(engine, moment(2, 2))
    engine.click("abort", ANA)
    *earlier, last = [body["closed"] for body in posted(engine)]
    assert (set(earlier), last) == ({"a later reminder follows"}, f"aborted by <@{ANA}>")


def test_a_move_takes_the_buttons_from_the_reminders_of_the_old_time(build: Build) -> None:
    """They say what the new time is."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(2, 2))
    engine.click("schedule", ANA, arguments={**LATER, "date": "2026-12-04"})
    assert posted(engine)[0]["closed"].startswith(f"scheduled by <@{ANA}> for 2026-12-04 02:00-05:00 UTC")


def test_a_reminder_of_a_time_that_was_moved_cannot_be_snoozed(build: Build) -> None:
    """A click that was on its way meanwhile."""
    engine = scheduled(build)
    tick_to(engine, moment(2, 2))
    seq = next(body["seq"] for body in posted(engine) if "starts" in body["text"])
    engine.click("schedule", ANA, arguments={**LATER, "date": "2026-12-04"})
    answer = engine.click("snooze", BEN, choice="3600", arguments={"reminder": seq, "place": CHANNEL})
    assert answer == "Nothing to snooze: cluster-x-1 was moved meanwhile and will be reminded of at its new time."


def test_the_end_of_an_upgrade_takes_the_buttons_from_its_reminders(build: Build) -> None:
    """There is nothing left to do from them."""
    engine = build({"access/approve": ask, "finish/report": lambda _c: Done("upgraded cluster-x")})
    engine.add_upgrade(["access/approve", "finish/report"])
    engine.click("schedule", ANA, arguments=LATER)
    engine.runner.turn()
    tick_to(engine, moment(3, 2))
    engine.click("approve", BEN)
    engine.runner.turn()
    engine.runner.turn()
    assert {body["closed"] for body in posted(engine)} == {
        "a later reminder follows",
        f"approved by <@{BEN}>",
    }


def test_an_extension_ends_what_was_said_of_the_old_end(build: Build) -> None:
    """Its buttons go, and it can't be snoozed any more."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(3, 4, 45))
    seq = posted(engine)[-1]["seq"]
    engine.click("extend", BEN, choice="1h", reason="almost done")
    answer = engine.click("snooze", BEN, choice="300", arguments={"reminder": seq, "place": CHANNEL})
    assert posted(engine)[-1]["closed"].startswith(f"window extended by <@{BEN}> until")
    assert answer == "Nothing to snooze: the window of cluster-x-1 was extended meanwhile."


def test_a_reminder_leads_to_the_card_that_it_is_about(build: Build) -> None:
    """In the thread of its upgrade, also from a direct message; to the root where nothing is asked."""
    engine = scheduled(build)
    deliver(engine)
    tick_to(engine, moment(2, 2))
    channel, root = engine.outbox.read_thread("cluster-x-1")
    (card,) = engine.store.read("select ts from outbox where kind = 'gate'")
    assert [posted(engine, place)[-1]["card"] for place in (CHANNEL, BEN)] == [[channel, card["ts"], root]] * 2
    engine.click("approve", BEN)
    tick_to(engine, moment(3, 2))
    assert posted(engine)[-1]["card"] == [channel, root, ""]


def test_a_later_reminder_takes_the_buttons_from_those_before_it(build: Build) -> None:
    """In each place by itself: one message of an upgrade there has buttons."""
    engine = scheduled(build)
    tick_to(engine, moment(3, 2))
    for place in (CHANNEL, BEN):
        *earlier, last = [body["closed"] for body in posted(engine, place)]
        assert (set(earlier), last) == ({"a later reminder follows"}, "")


@pytest.mark.parametrize("order", ["pause", "resume"])
def test_what_stops_or_goes_on_takes_the_buttons_from_what_was_said_before(build: Build, order: str) -> None:
    """Pause on a reminder is not what may be pressed once it is paused."""
    engine = scheduled(build)
    if order == "resume":
        engine.click("pause", ANA)
    tick_to(engine, moment(3, 2))
    engine.click(order, ANA)
    assert posted(engine)[-1]["closed"] == f"{order}d by <@{ANA}>"


def test_an_approval_reminder_without_its_buttons_is_closed_as_well(build: Build) -> None:
    """It can't be snoozed any more."""
    engine = build({"access/approve": ask, "access/bind": lambda _c: Done("")})
    engine.add_upgrade(["access/approve", "access/bind"])
    engine.runner.turn()
    tick_to(engine, START + timedelta(hours=1))
    with engine.store.transact() as db:
        db.execute("update outbox set body = json_set(body, '$.choices', json('[]')) where kind = 'reminder'")
    engine.click("approve", BEN)
    assert {body["closed"] for body in posted(engine)} == {f"approved by <@{BEN}>"}
