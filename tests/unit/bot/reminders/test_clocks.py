"""Clocks that are set back, leap days and changes of the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.schedule.tables import Reminder
from steps.contract.step import Waiting
from tests.unit.bot.reminders.timetables import (
    LATER,
    add_many,
    ask,
    deliver,
    moment,
    posted,
    scheduled,
    tick_to,
)
from tests.unit.bot.workbench import ANA, BEN, START, Build


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
