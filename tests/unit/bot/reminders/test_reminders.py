"""Reminders: when, to whom, once, and never too many."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from bot.journal.outbox import Outbox
from bot.reminders.tick import Reminders
from bot.schedule.tables import Reminder
from bot.windows.downtime import Downtime, Window
from steps.contract.cards import Card
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, START, Build, Engine

CHANNEL = "C0MESHOPS1"
LATER = {"date": "2026-12-03", "time": "02:00", "zone": "UTC", "for": "3h"}


def ask(ctx: Context) -> Outcome:
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


def scheduled(build: Build) -> Engine:
    """An upgrade that waits for an approval and is scheduled in two days."""
    engine = build(
        {
            "access/approve": ask,
            "access/bind": lambda _c: Done("bound"),
            "sidecars/restart": lambda _c: Waiting("x", 60),
        }
    )
    engine.add_upgrade(["access/approve", "access/bind", "sidecars/restart"])
    engine.runner.turn()
    engine.click("schedule", ANA, arguments=LATER)
    return engine


def tick_to(engine: Engine, moment: datetime, step: float = 1200) -> None:
    """Tick as the bot would, up to the moment."""
    while engine.clock.time < moment:
        engine.clock.time = min(moment, engine.clock.time + timedelta(seconds=step))
        engine.reminders.tick()
        deliver(engine)


def deliver(engine: Engine) -> None:
    """Slack takes everything."""
    for message in engine.outbox.list_unsent(engine.clock.now() + timedelta(days=1)):
        ts = message.ts or str(engine.clock.now().timestamp())
        engine.outbox.mark_sent(message.id, ts, message.revision, engine.clock.now())


def posted(engine: Engine, channel: str = CHANNEL) -> list[Mapping[str, Any]]:
    """The bodies of the reminders in a channel, in order; those withdrawn before they were posted left out."""
    rows = engine.store.read("select * from outbox where kind = 'reminder' and channel = ? order by seq", [channel])
    return [json.loads(row["body"]) for row in rows if row["ts"] or row["sent_revision"] < row["revision"]]


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=START.tzinfo)


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
    assert [body["text"].split(" for ")[-1] for body in posted(engine)] == [
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
    assert posted(engine)[0]["closed"] == f"snoozed for 1h by <@{BEN}>"


def test_the_reminders_of_an_aborted_upgrade_lose_their_buttons(build: Build) -> None:
    """In the channel and in the approvers' direct messages."""
    engine = scheduled(build)
    tick_to(engine, moment(2, 2, 1))
    assert posted(engine)
    engine.click("abort", ANA)
    shown = [body["closed"] for place in (CHANNEL, BEN) for body in posted(engine, place)]
    assert shown
    assert set(shown) == {f"aborted by <@{ANA}>"}


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
    assert answer.startswith("You are neither")


def test_somebody_elses_conversation_cannot_be_snoozed(build: Build) -> None:
    """The place in a button is only a claim."""
    engine = scheduled(build)
    tick_to(engine, moment(2, 2))
    seq = posted(engine, CAI)[0]["seq"]
    answer = engine.click("snooze", BEN, choice="600", arguments={"reminder": seq, "place": CAI})
    assert answer == "That reminder was not made for you."


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


def add_many(engine: Engine, count: int) -> None:
    """Upgrades of so many clusters, each with a reminder that is due now."""
    for number in range(count):
        row = engine.add_upgrade(["access/approve"], f"cluster-{number}")
        due = engine.clock.now()
        engine.schedules.add_reminders([Reminder(0, row.id, "before", due, due + timedelta(hours=1))])


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


def tick_silently(engine: Engine, moment: datetime) -> None:
    """Tick as the bot would while Slack takes nothing."""
    while engine.clock.time < moment:
        engine.clock.time = min(moment, engine.clock.time + timedelta(minutes=10))
        engine.reminders.tick()


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
    assert {body["closed"] for body in posted(engine)} == {f"aborted by <@{ANA}>"}


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


@pytest.mark.parametrize("back", [3600, 86400])
def test_a_clock_that_is_set_back_stops_no_reminder(build: Build, back: float) -> None:
    """Those posted before by a clock that was ahead are not counted as just posted."""
    engine = build({"access/approve": ask})
    add_many(engine, 28)
    engine.reminders.tick()
    deliver(engine)
    engine.clock.advance(-back)
    row = engine.add_upgrade(["access/approve"], "cluster-late")
    due = engine.clock.now()
    engine.schedules.add_reminders([Reminder(0, row.id, "before", due, due + timedelta(hours=1))])
    engine.reminders.tick()
    assert "cluster-late" in posted(engine)[-1]["text"]


def test_a_clock_that_is_set_back_repeats_no_reminder(build: Build) -> None:
    """What was posted stays posted."""
    engine = scheduled(build)
    engine.click("approve", BEN)
    tick_to(engine, moment(2, 2))
    engine.clock.advance(-7200)
    tick_to(engine, moment(2, 3))
    assert len(posted(engine)) == 1


def test_a_day_before_is_a_day_over_a_leap_day_too(build: Build) -> None:
    """On 29 February at the same time."""
    engine = build({"access/approve": lambda _c: Waiting("x", 60)})
    engine.clock.time = datetime(2028, 2, 20, tzinfo=START.tzinfo)
    engine.add_upgrade(["access/approve"])
    engine.click("schedule", ANA, arguments={**LATER, "date": "2028-03-01"})
    first = engine.schedules.list_reminders("cluster-x-1")[0]
    assert first.due == datetime(2028, 2, 29, 2, tzinfo=START.tzinfo)


@pytest.mark.parametrize("day", ["2027-03-28", "2026-10-25"])
def test_a_day_before_is_24_hours_over_a_clock_change(build: Build, day: str) -> None:
    """Clocks go forward or back in between: the text says 24 h, and it is."""
    engine = build({"access/approve": lambda _c: Waiting("x", 60)})
    engine.clock.time = datetime.fromisoformat(f"{day}T00:00+00:00") - timedelta(days=5)
    engine.add_upgrade(["access/approve"])
    answer = engine.click("schedule", ANA, arguments={"date": day, "time": "23:30", "zone": "Europe/Berlin"})
    before, *_ = engine.schedules.list_reminders("cluster-x-1")
    assert before.moment is not None
    assert before.moment - before.due == timedelta(hours=24)
    assert f"{day} 23:30 Europe/Berlin" in answer


def test_a_time_that_comes_twice_is_written_in_utc(build: Build) -> None:
    """The answer's own proposal is taken."""
    engine = build({"access/approve": lambda _c: Waiting("x", 60)})
    engine.clock.time = datetime(2026, 10, 1, tzinfo=START.tzinfo)
    twice = engine.click("schedule", ANA, arguments={"date": "2026-10-25", "time": "02:30", "zone": "Europe/Berlin"})
    second = twice.split("`")[-2].split()
    assert second == ["2026-10-25", "01:30", "UTC"]
    answer = engine.click("schedule", ANA, arguments=dict(zip(("date", "time", "zone"), second, strict=True)))
    assert answer.startswith("Scheduled cluster-x-1 for 2026-10-25 01:30 UTC")


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
    assert {body["closed"] for body in posted(engine)} == {f"approved by <@{BEN}>", "the upgrade has ended"}


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
