"""Dates, times and zones as people write them: a clear answer, no guess."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.windows.appointments import (
    Appointment,
    UnclearTime,
    Written,
    find_written_faults,
    read_appointment,
    read_length,
    write_length,
)
from bot.windows.downtime import Downtime, Freeze, Window

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WEEKDAYS = Downtime((Window((0, 1, 2, 3, 4), time(22), time(4), "Europe/Berlin"),))


def read(words: str, downtime: Downtime | None = None, now: datetime = NOW) -> Appointment:
    day, at, zone, *rest = words.split()
    length = {"for": rest[1]} if rest else {}
    return read_appointment(Written(day, at, zone, length.get("for", "")), now, downtime or Downtime())


def refuse(words: str, downtime: Downtime | None = None, now: datetime = NOW) -> str:
    with pytest.raises(UnclearTime) as caught:
        read(words, downtime, now)
    return str(caught.value)


def test_the_guides_example_is_read() -> None:
    """02:00 in Seoul is 17:00 UTC on the day before."""
    expected = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
    assert read("2026-12-01 02:00 Asia/Seoul for 3h") == Appointment(
        expected, expected + timedelta(hours=3), "Asia/Seoul"
    )


def test_without_a_length_and_windows_nothing_ends_it() -> None:
    """A cluster that may be changed at any time."""
    assert read("2026-12-01 02:00 Asia/Seoul").ends is None


def test_without_a_length_it_ends_with_the_clusters_window() -> None:
    """The window is 22:00-04:00 in Berlin."""
    assert read("2026-12-01 23:00 Europe/Berlin", WEEKDAYS).ends == datetime(2026, 12, 2, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "words",
    [
        "2026-12-01 2am Asia/Seoul",
        "2026/12/01 02:00 Asia/Seoul",
        "2026.12.1 02.00 Asia/Seoul",
        "2026-12-01 2:00am Seoul",
        "tomorrow 02:00 seoul",
    ],
)
def test_a_time_is_read_as_people_write_it(words: str) -> None:
    """Where there is only one thing that it can mean."""
    now = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
    assert read(words, now=now).starts == datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


def test_a_city_that_is_a_sign_turned_around_is_not_read() -> None:
    """Etc/GMT+9 lies behind UTC: nobody who types GMT+9 means it."""
    assert "There is no time zone `GMT+9`" in refuse("2026-12-01 02:00 GMT+9")


def test_a_number_alone_is_answered_with_both_units() -> None:
    """Minutes and hours are both likely."""
    with pytest.raises(UnclearTime, match="write `90m` or `90h`"):
        read_length("90")


def test_zone_names_are_read_in_any_case() -> None:
    """As the database spells it, whatever was typed."""
    assert read("2026-12-01 02:00 asia/seoul").zone == "Asia/Seoul"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("2026-11-25 11:00 UTC", "is past; now it is 2026-11-25 12:00 UTC"),
        ("2028-12-01 02:00 UTC", "more than a year away; check the year"),
        ("01.12.2026 02:00 UTC", "dates are written YYYY-MM-DD"),
        ("2027-02-29 02:00 UTC", "There is no 2027-02-29 in the calendar"),
        ("2026-12-01 24:00 UTC", "`24:00` is no time of day"),
        ("2026-12-01 13pm UTC", "`13pm` is no time of day"),
        ("2026-12-01 2 UTC", "`2` is no time of day"),
        ("2026-12-01 02:00 KST", "`KST` is an abbreviation and may mean several zones"),
        ("2026-12-01 02:00 Asia/Seol", "Did you mean Asia/Seoul"),
        ("2026-12-01 02:00 Mars/Crater", "There is no time zone `Mars/Crater`"),
        ("2026-12-01 02:00 UTC for 3x", "`3x` is no length of time"),
        ("2026-12-01 02:00 UTC for 1m", "1m is not between 10m and 7d"),
    ],
)
def test_what_is_wrong_is_said(words: str, answer: str) -> None:
    """Each answer names the word and the remedy."""
    assert answer in refuse(words)


def test_a_leap_day_is_taken() -> None:
    """29 February in a leap year."""
    now = datetime(2028, 2, 1, tzinfo=UTC)
    assert read("2028-02-29 02:00 UTC", now=now).starts == datetime(2028, 2, 29, 2, 0, tzinfo=UTC)


def test_a_time_that_clocks_skip_is_refused_with_the_change() -> None:
    """02:30 on the last Sunday of March in Berlin."""
    assert refuse("2027-03-28 02:30 Europe/Berlin") == (
        "02:30 does not exist: on 2027-03-28 in Europe/Berlin clocks go from 02:00 to 03:00. "
        "Take an earlier time, or 03:00 or later."
    )


def test_a_time_that_comes_twice_is_refused_with_both_moments() -> None:
    """02:30 on the last Sunday of October in Berlin."""
    now = datetime(2026, 10, 1, tzinfo=UTC)
    assert refuse("2026-10-25 02:30 Europe/Berlin", now=now) == (
        "02:30 exists twice: on 2026-10-25 in Europe/Berlin clocks go from 03:00 to 02:00. Write it in UTC: "
        "`2026-10-25 00:30 UTC` is the first, `2026-10-25 01:30 UTC` the second."
    )


def test_a_change_of_half_an_hour_is_told_as_such() -> None:
    """Lord Howe Island moves by 30 minutes."""
    now = datetime(2026, 9, 1, tzinfo=UTC)
    assert "clocks go from 02:00 to 02:30" in refuse("2026-10-04 02:15 Australia/Lord_Howe", now=now)


def test_outside_of_the_windows_the_next_one_is_named() -> None:
    """Noon is no time to restart."""
    assert refuse("2026-12-01 12:00 Europe/Berlin", WEEKDAYS) == (
        "2026-12-01 12:00 Europe/Berlin is outside of the cluster's windows. "
        "The next one opens 2026-12-01 22:00 Europe/Berlin."
    )


def test_longer_than_the_window_is_refused_with_what_is_left() -> None:
    """Nothing is cut silently."""
    answer = refuse("2026-12-02 02:00 Europe/Berlin for 3h", WEEKDAYS)
    assert answer == "The window ends 2026-12-02 04:00 Europe/Berlin, 2h after the start; write `for 2h` or less."


def test_a_freeze_is_named_with_its_reason() -> None:
    """Freeze beats window."""
    frozen = Downtime((), (Freeze(date(2026, 12, 1), date(2026, 12, 2), "UTC", "black friday"),))
    assert refuse("2026-12-01 02:00 UTC", frozen) == (
        "2026-12-01 02:00 UTC lies in the freeze 2026-12-01 to 2026-12-02 UTC: black friday."
    )


@given(st.integers(10, 7 * 24 * 60))
def test_a_length_is_written_as_it_is_read(minutes: int) -> None:
    """What an answer proposes can be typed."""
    assert read_length(write_length(timedelta(minutes=minutes))) == timedelta(minutes=minutes)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """Each at its own field."""
    found = find_written_faults(Written("soon", "late", "Mars/Crater", "long"), NOW, Downtime())
    assert set(found) == {"date", "time", "zone", "for"}
    assert set(find_written_faults(Written("2020-01-01", "02:00", "UTC"), NOW, Downtime())) == {"date"}
    assert find_written_faults(Written("2026-12-01", "02:00", "UTC", "3h"), NOW, Downtime()) == {}
