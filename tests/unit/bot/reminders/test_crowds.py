"""Many reminders at once, kills in the middle, and hours without Slack."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.journal.outbox import Outbox
from bot.reminders.tick import Reminders
from bot.schedule.tables import Reminder
from bot.settings.clusters import Cluster
from steps.contract.options import UpgradeOptions
from steps.contract.step import Done
from steps.mesh import ClusterAddress
from tests.unit.bot.reminders.timetables import (
    CHANNEL,
    add_many,
    ask,
    deliver,
    moment,
    posted,
    scheduled,
    tick_to,
)
from tests.unit.bot.workbench import BEN, CAI, POLICY, START, Build, Engine


class Killed(BaseException):
    """Unlike a fault a kill is nothing that anybody can catch."""


class DyingOutbox(Outbox):
    """An outbox whose process is killed at the message of that number."""

    left = 7

    def put_message(self, *message: Any) -> None:
        """Put it, or die."""
        self.left -= 1
        if not self.left:
            raise Killed
        super().put_message(*message)


def tick_silently(engine: Engine, moment: datetime) -> None:
    """Tick as the bot would while Slack takes nothing."""
    while engine.clock.time < moment:
        engine.clock.time = min(moment, engine.clock.time + timedelta(minutes=10))
        engine.reminders.tick()


@pytest.mark.parametrize("count", [28, 60, 400])
def test_at_most_thirty_reminders_a_minute_reach_a_channel(build: Build, count: int) -> None:
    """More are gathered, and nothing is lost."""
    engine = build({"access/approve": ask})
    add_many(engine, count)
    for _ in range(3):
        engine.reminders.tick()
        engine.clock.advance(20)
    bodies = posted(engine)
    told = sum(len(body.get("lines") or [1]) + len(body.get("others") or []) for body in bodies)
    assert (len(bodies) <= 30, told) == (True, count)


def test_a_kill_in_the_middle_of_posting_loses_and_repeats_nothing(build: Build) -> None:
    """Rows and messages commit together."""
    engine = build({"access/approve": ask})
    add_many(engine, 20)
    dying = Reminders(engine.store, engine.schedules, DyingOutbox(engine.store), engine.clock, {})
    with pytest.raises(Killed):
        dying.tick()
    engine.store.close()
    again = build({"access/approve": ask}, engine.clock)
    again.reminders.tick()
    again.reminders.tick()
    assert len(posted(again)) == 20


def test_fifty_restarts_at_random_post_each_reminder_once_and_within_a_minute(build: Build) -> None:
    """Over two days, with ticks every 20 s around the reminders' times."""
    chance = random.Random(6)
    engine = scheduled(build)
    engine.click("approve", BEN)
    times = [moment(2, 2), moment(3, 1), moment(3, 1, 50), moment(3, 2)]
    kills = 0
    for due in times:
        engine.clock.time = due - timedelta(seconds=300 + chance.randrange(20))
        while engine.clock.time < due + timedelta(seconds=60):
            if chance.random() < 0.9:
                kills += 1
                engine.store.close()
                engine = build(dict.fromkeys(("access/approve", "access/bind", "sidecars/restart"), ask), engine.clock)
            engine.reminders.tick()
            deliver(engine)
            engine.clock.advance(chance.randrange(15, 25))
    made = engine.store.read("select * from outbox where kind = 'reminder' and channel = ? order by seq", [CHANNEL])
    delays = [row["created_at"] - due.timestamp() for row, due in zip(made, times, strict=True)]
    assert kills >= 50
    assert all(0 <= delay <= 60 for delay in delays)


def test_after_hours_without_slack_one_reminder_says_what_was_missed(build: Build) -> None:
    """Those that waited for Slack are replaced by the one that is of use then."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_silently(engine, moment(3, 1, 30))
    assert [(body["text"].split(" starts ")[-1], body["missed"]) for body in posted(engine)] == [
        ("in 30 min.", "Slack could not be reached in time for the reminder 24 h before, 1 h before.")
    ]


def test_a_reminder_that_slack_took_too_late_is_withdrawn(build: Build) -> None:
    """Where nothing of it is of use any more."""
    engine = build({"access/approve": ask, "access/bind": lambda _c: Done("")})
    engine.add_upgrade(["access/approve", "access/bind"])
    engine.runner.turn()
    tick_silently(engine, START + timedelta(hours=1))
    engine.click("approve", BEN)
    tick_silently(engine, START + timedelta(hours=2))
    assert posted(engine) == []


def test_gathered_reminders_that_slack_took_too_late_are_written_anew(build: Build) -> None:
    """With the time that is left then."""
    engine = build({"access/approve": ask})
    add_many(engine, 60)
    engine.reminders.tick()
    engine.clock.advance(600)
    engine.reminders.tick()
    gathered = next(body for body in posted(engine) if body.get("lines"))
    assert "starts in 50 min." in gathered["lines"][0]["text"]


def test_an_overdue_upgrade_is_told_once_however_many_others_are(build: Build) -> None:
    """All of its reminders are looked at together."""
    engine = build({"access/approve": ask})
    for number in range(400):
        row = engine.add_upgrade(["access/approve"], f"cluster-{number}")
        starts = START + timedelta(days=2)
        leads = (timedelta(hours=24), timedelta(hours=1))
        engine.schedules.add_reminders([Reminder(0, row.id, "before", starts - lead, starts) for lead in leads])
    engine.clock.time = START + timedelta(days=1, hours=23, minutes=30)
    for _ in range(12):
        engine.reminders.tick()
        deliver(engine)
        engine.clock.advance(10)
    told = [str(body.get("upgrade") or "") for body in posted(engine)]
    gathered = [body for body in posted(engine) if body.get("lines")]
    names = [line["text"].split()[2] for body in gathered for line in body["lines"]]
    others = [name for body in gathered for name in body["others"]]
    assert sorted([*filter(None, told), *names, *others]) == sorted(f"cluster-{number}-1" for number in range(400))


def test_gathered_reminders_say_what_was_missed(build: Build) -> None:
    """As the single ones do."""
    engine = build({"access/approve": ask})
    add_many(engine, 60)
    engine.clock.advance(600)
    engine.reminders.tick()
    gathered = next(body for body in posted(engine) if body.get("lines"))
    assert "The bot was down and missed the reminder 1 h before." in gathered["lines"][0]["text"]


def test_a_reminder_missed_in_one_conversation_is_told_there_alone(build: Build) -> None:
    """A snoozed one belongs to who snoozed it."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(3, 2))
    seq = posted(engine, BEN)[-1]["seq"]
    engine.click("snooze", BEN, choice="1800", arguments={"reminder": seq, "place": BEN})
    before = [len(posted(engine, place)) for place in (BEN, CAI)]
    engine.clock.time = moment(3, 3, 10)
    engine.reminders.tick()
    assert [len(posted(engine, place)) for place in (BEN, CAI)] == [before[0] + 1, before[1]]


def configure(count: int) -> dict[str, Cluster]:
    """Clusters of which the same people approve, all told in one channel."""
    keys = [f"cluster-{number}" for number in range(count)]
    return {key: Cluster(key, ClusterAddress(key), CHANNEL, "1.4.10-asm.18", POLICY, UpgradeOptions()) for key in keys}


def test_what_comes_at_the_same_moment_is_one_message_a_person(build: Build) -> None:
    """It names all ten with a link to each; in the channel each has its own buttons."""
    engine = build({"access/approve": ask})
    add_many(engine, 10)
    for name in (f"cluster-{number}-1" for number in range(10)):
        engine.chronicle.draw_root(name, engine.clock.now())
    deliver(engine)
    reminders = Reminders(engine.store, engine.schedules, engine.outbox, engine.clock, configure(10))
    reminders.tick()
    assert [len(posted(engine, place)) for place in (CHANNEL, BEN, CAI)] == [10, 1, 1]
    (told,) = posted(engine, BEN)
    assert len([line for line in told["lines"] if line["card"]]) == 10
    assert [line["text"].split()[2] for line in told["lines"]] == [f"cluster-{number}-1" for number in range(10)]


def test_a_gathered_reminder_takes_the_buttons_of_the_ones_before_it(build: Build) -> None:
    """As a single one does."""
    engine = build({"access/approve": ask})
    add_many(engine, 1)
    reminders = Reminders(engine.store, engine.schedules, engine.outbox, engine.clock, configure(3))
    reminders.tick()
    for name in ("cluster-0-1", "cluster-1-1"):
        if name == "cluster-1-1":
            engine.add_upgrade(["access/approve"], "cluster-1")
        due = engine.clock.now() + timedelta(minutes=10)
        engine.schedules.add_reminders([Reminder(0, name, "before", due, due + timedelta(hours=1))])
    engine.clock.advance(600)
    reminders.tick()
    first, gathered = posted(engine, BEN)
    assert (first["closed"], len(gathered["lines"])) == ("a later reminder follows", 2)


def test_the_one_that_is_left_of_gathered_reminders_is_a_reminder_of_its_own(build: Build) -> None:
    """Slack could not be reached while the others were decided; its own decision closes it too."""
    engine = build({"access/approve": ask})
    reminders = Reminders(engine.store, engine.schedules, engine.outbox, engine.clock, configure(2))
    due = engine.clock.now() + timedelta(minutes=10)
    for number in range(2):
        row = engine.add_upgrade(["access/approve"], f"cluster-{number}")
        engine.schedules.add_reminders([Reminder(0, row.id, "before", due, due + timedelta(hours=1))])
    engine.clock.advance(600)
    reminders.tick()
    (gathered,) = posted(engine, BEN)
    engine.journal.change_upgrade("cluster-0-1", state="aborted", ended_at=engine.clock.now())
    engine.clock.advance(600)
    reminders.tick()
    waiting = [one for one in engine.outbox.list_unsent_reminders() if one.channel == BEN]
    assert (len(gathered["lines"]), [getattr(one.body, "upgrade", "") for one in waiting]) == (2, ["cluster-1-1"])
    engine.outbox.close_reminders("cluster-1-1", ["before"], "denied")
    assert [one["closed"] for one in posted(engine, BEN)] == ["denied"]
