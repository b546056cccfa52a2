"""Reminders that somebody snoozes."""

from __future__ import annotations

from tests.unit.bot.reminders.timetables import CHANNEL, moment, posted, scheduled, tick_to
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, Build


def test_a_snoozed_reminder_comes_again_where_it_was_snoozed(build: Build) -> None:
    """In the direct message alone."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(2, 2))
    seq = posted(engine, BEN)[0]["seq"]
    engine.click("snooze", BEN, choice="3600", arguments={"reminder": seq, "place": BEN})
    tick_to(engine, moment(2, 3))
    assert [len(posted(engine, place)) for place in (BEN, CAI, CHANNEL)] == [2, 1, 1]


def test_a_snoozed_reminder_loses_its_buttons(build: Build) -> None:
    """And says who snoozed it."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(2, 2))
    engine.click("snooze", BEN, choice="3600", arguments={"reminder": posted(engine)[0]["seq"], "place": CHANNEL})
    assert posted(engine)[0]["closed"] == f"snoozed for 1 h by <@{BEN}>"


def test_the_reminders_of_an_aborted_upgrade_lose_their_buttons(build: Build) -> None:
    """In the channel and in the approvers' direct messages."""
    engine = scheduled(build)
    tick_to(engine, moment(2, 2, 1))
    assert posted(engine)
    engine.click("abort", ANA)
    shown = [body["closed"] for place in (CHANNEL, BEN) for body in posted(engine, place)]
    assert shown
    assert set(shown) == {"a later reminder follows", f"aborted by <@{ANA}>"}


def test_a_snooze_past_the_start_is_refused(build: Build) -> None:
    """With the reason."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(3, 1))
    answer = engine.click(
        "snooze", BEN, choice="7200", arguments={"reminder": posted(engine)[-1]["seq"], "place": CHANNEL}
    )
    assert answer == "By then it is too late: the window of cluster-x-1 starts before. Snooze shorter."


def test_a_snooze_needs_a_right(build: Build) -> None:
    """Dee has none."""
    engine = scheduled(build)
    tick_to(engine, moment(2, 2))
    answer = engine.click("snooze", DEE, choice="600", arguments={"reminder": 1, "place": CHANNEL})
    assert answer.startswith("You are none of those who may act")


def test_somebody_elses_conversation_cannot_be_snoozed(build: Build) -> None:
    """The place in a button is only a claim."""
    engine = scheduled(build)
    tick_to(engine, moment(2, 2))
    seq = posted(engine, CAI)[0]["seq"]
    answer = engine.click("snooze", BEN, choice="600", arguments={"reminder": seq, "place": CAI})
    assert answer == "That reminder was not made for you."
