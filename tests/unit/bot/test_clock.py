"""The machine's clock as the bot reads it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import Interval, SystemClock


@pytest.fixture(params=["Asia/Kathmandu", "America/St_Johns"])
def local_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Let the machine stand in a zone of its own for one test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


def test_the_time_is_utc_wherever_the_machine_stands(local_zone: str) -> None:
    """What goes into the journal carries its zone, and it is the same one everywhere."""
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(0)
    assert before <= now <= datetime.now(UTC)


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 12, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.mark.parametrize(("minutes", "due"), [(0, False), (59, False), (60, True), (-59, False), (-60, True)])
def test_something_is_due_once_in_so_long(minutes: int, due: bool) -> None:
    """At the first look, and an hour after it or before it: a clock that was set back stops nothing for good."""
    clock = HandClock()
    interval = Interval(timedelta(hours=1), clock)
    assert interval.begin()
    clock.time += timedelta(minutes=minutes)
    assert interval.begin() is due
