"""Reminders: when, to whom, once, and never too many."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta

from bot.windows.downtime import Downtime, Window
from steps.contract.step import Done, Waiting
from tests.unit.bot.reminders.timetables import CHANNEL, LATER, ask, moment, posted, scheduled, tick_to
from tests.unit.bot.workbench import ANA, BEN, CAI, START, Build


def test_people_are_reminded_a_day_an_hour_and_ten_minutes_before(build: Build) -> None:
    """By default, and told when it starts."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(3, 2), 600)
    assert [body["text"].split(" starts ")[-1] for body in posted(engine)] == [
        "in 24 h.",
        "in 1 h.",
        "in 10 min.",
        "Starts now: the upgrade cluster-x-1 of cluster-x to 1.4.10-asm.18.",
    ]


def test_approvers_get_a_direct_message_too(build: Build) -> None:
    """Each of them, with the same words."""
    engine = scheduled(build)
    tick_to(engine, moment(2, 2))
    assert all(posted(engine, user) for user in (BEN, CAI))


def test_a_reminder_is_posted_once(build: Build) -> None:
    """However often the tick comes."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(2, 2))
    engine.reminders.tick()
    assert len(posted(engine)) == 1


def test_moments_are_given_for_each_readers_own_time(build: Build) -> None:
    """As moments, not as words."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(2, 2))
    moments = [(name, datetime.fromisoformat(at)) for name, at in posted(engine)[0]["moments"]]
    assert moments == [("Starts", moment(3, 2)), ("Ends", moment(3, 5))]


def test_starts_now_carries_the_open_question(build: Build) -> None:
    """The buttons that are legal then."""
    engine = scheduled(build)
    tick_to(engine, moment(3, 2))
    body = posted(engine)[-1]
    assert [choice["id"] for choice in body["choices"]] == ["approve", "deny"]
    assert (body["step"], body["cancel"]) == ("access/approve", True)


def test_fifteen_minutes_before_the_end_people_are_told(build: Build) -> None:
    """With where the upgrade stands."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(3, 2))
    engine.runner.turn()
    tick_to(engine, moment(3, 4, 45))
    assert posted(engine)[-1]["text"].startswith("The window of cluster-x-1 ends in 15 min. It stands at")


def test_the_end_of_a_recurring_window_is_announced_too(build: Build) -> None:
    """Without an appointment."""
    nights = Downtime((Window(tuple(range(7)), time(22), time(4), "UTC"),))
    engine = build({"sidecars/restart": lambda _c: Waiting("x", 60)}, downtime=nights)
    engine.add_upgrade(["sidecars/restart"])
    engine.runner.turn()
    tick_to(engine, moment(1, 3, 45))
    assert len(posted(engine)) == 1


def test_an_unanswered_approval_is_repeated_as_the_cluster_sets(build: Build) -> None:
    """After 1, 4 and 12 hours by default."""
    engine = build({"access/approve": ask})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    tick_to(engine, START + timedelta(hours=13))
    assert [body["text"].split(" for ")[-1].partition(" <@")[0] for body in posted(engine)] == [
        "1 h.",
        "4 h.",
        "12 h.",
    ]


def test_an_answered_approval_is_not_repeated(build: Build) -> None:
    """The rows are there, and of no use any more."""
    engine = build({"access/approve": ask, "access/bind": lambda _c: Done("")})
    engine.add_upgrade(["access/approve", "access/bind"])
    engine.runner.turn()
    engine.click("approve", BEN)
    tick_to(engine, START + timedelta(hours=13))
    assert posted(engine) == []


def test_rescheduling_moves_the_reminders(build: Build) -> None:
    """Those of the old time are gone."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    engine.click("schedule", ANA, arguments={**LATER, "date": "2026-12-04"})
    tick_to(engine, moment(3, 2))
    assert [body["text"].split(" starts ")[-1] for body in posted(engine)] == ["in 24 h."]


def test_after_an_hour_down_one_reminder_says_what_was_missed(build: Build) -> None:
    """Of those overdue the one that is still of use."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    engine.clock.time = moment(3, 1, 30)
    engine.reminders.tick()
    assert [(body["text"].split(" starts ")[-1], body["missed"]) for body in posted(engine)] == [
        ("in 30 min.", "The bot was down and missed the reminder 24 h before, 1 h before.")
    ]


def test_after_a_missed_start_it_says_so(build: Build) -> None:
    """While that is still of use."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    engine.clock.time = moment(3, 2, 20)
    engine.reminders.tick()
    assert posted(engine)[-1]["text"].startswith("Started 20 min ago")


def test_after_the_whole_window_was_missed_it_says_so_once(build: Build) -> None:
    """With what was missed, and the way to a new time."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    engine.clock.time = moment(4, 12)
    engine.reminders.tick()
    engine.reminders.tick()
    assert len(posted(engine)) == 1
    assert "has ended" in posted(engine)[0]["text"]


def test_an_aborted_upgrade_is_not_reminded_of(build: Build) -> None:
    """Nor is it when the reminder was snoozed before."""
    engine = scheduled(build)
    tick_to(engine, moment(2, 2))
    seq = posted(engine)[-1]["seq"]
    engine.click("snooze", BEN, choice="3600", arguments={"reminder": seq, "place": CHANNEL})
    engine.click("abort", ANA)
    before = len(posted(engine))
    tick_to(engine, moment(3, 3))
    assert len(posted(engine)) == before


def test_a_reminder_mentions_each_approver_once_at_most(build: Build) -> None:
    """Of every kind, in the channel and directly taken together."""
    engine = scheduled(build)
    tick_to(engine, moment(3, 4, 50))
    told = [(body["seq"], str(body["text"])) for place in (CHANNEL, BEN, CAI) for body in posted(engine, place)]
    assert len(told) > 6
    for user in (BEN, CAI):
        mentions = Counter({seq: 0 for seq, _ in told})
        for seq, text in told:
            mentions[seq] += text.count(f"<@{user}>")
        assert max(mentions.values()) == 1
