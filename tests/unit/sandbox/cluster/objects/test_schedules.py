"""Schedules of CronJobs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sandbox.cluster.objects.schedules import WrongSchedule, read_schedule

FRIDAY = datetime(2020, 11, 13, 10, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * *", "2020-11-13 10:08:00"),
        ("@hourly", "2020-11-13 11:00:00"),
        ("0 9-17 * * *", "2020-11-13 11:00:00"),
        ("0 0-9 * * *", "2020-11-14 00:00:00"),
        ("*/15 8,20 * * *", "2020-11-13 20:00:00"),
        ("1-59/2 * * * *", "2020-11-13 10:09:00"),
        ("5/20 * * * *", "2020-11-13 10:25:00"),
        ("30 4 * JAN-MAR mon", "2021-01-04 04:30:00"),
        ("0 0 1 * 7", "2020-11-15 00:00:00"),
        ("0 0 29 2 *", "2024-02-29 00:00:00"),
        ("@weekly", "2020-11-15 00:00:00"),
        ("@every 1h30m", "2020-11-13 11:37:30"),
    ],
)
def test_the_next_time(schedule: str, expected: str) -> None:
    """Lists, ranges, steps, names, either of two days, leap days."""
    found = read_schedule(schedule).next_after(FRIDAY.timestamp())
    assert found is not None
    assert f"{datetime.fromtimestamp(found, UTC):%Y-%m-%d %H:%M:%S}" == expected


def test_a_day_that_never_comes() -> None:
    """It is looked for some years ahead, and then no more."""
    assert read_schedule("0 0 31 2 *").next_after(FRIDAY.timestamp()) is None


@pytest.mark.parametrize(
    "schedule", ["", "now and then", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "@often", "* * 0 * *", "@every soon"]
)
def test_what_is_no_schedule(schedule: str) -> None:
    """The refusal is a sentence."""
    with pytest.raises(WrongSchedule, match=r"\w+ \w+"):
        read_schedule(schedule)
