"""Windows and freezes in UTC, over clock changes, midnight and leap days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings.window_fields import check_freezes, check_lengths, check_windows, read_days
from bot.windows.downtime import Downtime, Freeze, Span, Window, cut_spans, find_moments, join_spans

DAILY = tuple(range(7))
BERLIN = "Europe/Berlin"
START = datetime(2026, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def night(day: str, opens: str = "22:00", closes: str = "04:00", zone: str = BERLIN) -> Span | None:
    window = Window(DAILY, time.fromisoformat(opens), time.fromisoformat(closes), zone)
    return window.find_span(date.fromisoformat(day))


def test_a_window_over_midnight_closes_on_the_next_day() -> None:
    """22:00-04:00 in winter is 21:00-03:00 UTC."""
    assert night("2026-12-01") == Span(at("2026-12-01T21:00"), at("2026-12-02T03:00"))


def test_a_night_in_which_clocks_go_forward_is_an_hour_shorter() -> None:
    """The hour from 02:00 to 03:00 does not exist."""
    span = night("2027-03-27")
    assert span is not None
    assert span.end - span.start == timedelta(hours=5)


def test_a_night_in_which_clocks_go_back_is_an_hour_longer() -> None:
    """The hour from 02:00 to 03:00 comes twice, and both lie inside."""
    span = night("2026-10-24")
    assert span is not None
    assert span.end - span.start == timedelta(hours=7)


def test_a_window_that_opens_in_a_doubled_hour_opens_late() -> None:
    """02:30 may mean two moments: only what both agree on is used."""
    assert night("2026-10-25", "02:30", "06:00") == Span(at("2026-10-25T01:30"), at("2026-10-25T05:00"))


def test_a_window_that_closes_in_a_doubled_hour_closes_early() -> None:
    """The other end of the same rule."""
    assert night("2026-10-25", "00:00", "02:30") == Span(at("2026-10-24T22:00"), at("2026-10-25T00:30"))


def test_a_window_inside_a_skipped_hour_is_not_held() -> None:
    """No reading of 02:10-02:40 leaves anything sure."""
    assert night("2027-03-28", "02:10", "02:40") is None


def test_a_leap_day_has_its_window() -> None:
    """29 February 2028 is a Tuesday."""
    window = Window((1,), time(1), time(3), "UTC")
    assert window.find_span(date(2028, 2, 29)) == Span(at("2028-02-29T01:00"), at("2028-02-29T03:00"))


def test_overlapping_windows_are_one_opening() -> None:
    """Two windows that touch or overlap are not closed in between."""
    windows = (Window(DAILY, time(1), time(3), "UTC"), Window(DAILY, time(2), time(5), "UTC"))
    found = Downtime(windows).list_openings(at("2026-12-01T00:00"), at("2026-12-02T00:00"))
    assert found == [Span(at("2026-12-01T01:00"), at("2026-12-01T05:00"))]


def test_a_freeze_is_cut_out_of_the_windows() -> None:
    """Freeze beats window."""
    downtime = Downtime(
        (Window(DAILY, time(22), time(4), "UTC"),), (Freeze(date(2026, 12, 2), date(2026, 12, 2), "UTC", "audit"),)
    )
    assert downtime.list_openings(at("2026-12-01T12:00"), at("2026-12-03T12:00")) == [
        Span(at("2026-12-01T22:00"), at("2026-12-02T00:00")),
        Span(at("2026-12-03T00:00"), at("2026-12-03T04:00")),
    ]


def test_the_opening_with_room_is_found() -> None:
    """An opening that is too short for what is planned is passed over."""
    downtime = Downtime((Window((0,), time(1), time(2), "UTC"), Window((2,), time(1), time(5), "UTC")))
    found = downtime.find_opening(at("2026-11-30T00:00"), timedelta(hours=3))
    assert found == Span(at("2026-12-02T01:00"), at("2026-12-02T05:00"))


def test_no_opening_is_found_where_a_freeze_covers_the_year() -> None:
    """Nothing is made up."""
    freeze = Freeze(date(2026, 1, 1), date(2028, 1, 1), "UTC", "moving")
    assert Downtime((), (freeze,)).find_opening(at("2026-12-01T00:00")) is None


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 90)), max_size=12),
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 90)), max_size=6),
)
def test_openings_are_exactly_the_minutes_inside_windows_and_outside_freezes(
    opened: list[tuple[int, int]], frozen: list[tuple[int, int]]
) -> None:
    """Against counting minute by minute."""

    def spans(pairs: list[tuple[int, int]]) -> list[Span]:
        return [Span(START + timedelta(minutes=a), START + timedelta(minutes=a + n)) for a, n in pairs]

    left = cut_spans(join_spans(spans(opened)), spans(frozen))
    minutes = {m for a, n in opened for m in range(a, a + n)} - {m for a, n in frozen for m in range(a, a + n)}
    counted = [m for m in range(600) if any(span.holds(START + timedelta(minutes=m)) for span in left)]
    assert counted == sorted(minutes)


FIRST, LAST = datetime(2026, 1, 1), datetime(2029, 12, 31)  # noqa: DTZ001 - hypothesis wants local times


@given(st.datetimes(FIRST, LAST), st.sampled_from([BERLIN, "Asia/Seoul", "UTC"]))
def test_a_local_time_means_what_clocks_show_then(local: datetime, zone: str) -> None:
    """Each moment found shows the very local time again."""
    from zoneinfo import ZoneInfo

    local = local.replace(second=0, microsecond=0)
    shown = {
        moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        for moment in find_moments(local.date(), local.time(), zone)
    }
    assert shown <= {local}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("daily", DAILY),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("sat-mon", (0, 5, 6)),
        (["sun", "wed"], (2, 6)),
        ("sun", (6,)),
        ("mon-sun", DAILY),
    ],
)
def test_days_are_read(days: object, expected: tuple[int, ...]) -> None:
    """As people write them."""
    assert read_days(days) == expected


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"days": "funday", "hours": "01:00-02:00", "zone": "UTC"}, "days must be"),
        ({"days": "mon", "hours": "1-2", "zone": "UTC"}, "hours must be written as 22:00-04:00"),
        ({"days": "mon", "hours": "01:00-25:00", "zone": "UTC"}, "`25:00` is no time of day"),
        ({"days": "mon", "hours": "01:00-02:00", "zone": "Europe/Berlim"}, "Did you mean Europe/Berlin"),
        ({"days": "mon", "hours": "01:00-02:00"}, "must have exactly days, hours, zone"),
    ],
)
def test_a_wrong_window_is_named(table: dict[str, str], fault: str) -> None:
    """clusters.toml is answered with what is wrong in which entry."""
    answer = check_windows([table])
    assert answer.startswith("entry 1")
    assert fault in answer


@pytest.mark.parametrize(
    ("first", "last", "fault"),
    [
        (date(2026, 12, 20), date(2026, 12, 1), "before it begins"),
        ("2026-02-30", "2026-03-01", "There is no 2026-02-30"),
    ],
)
def test_a_wrong_freeze_is_named(first: object, last: object, fault: str) -> None:
    """Dates in the wrong order, or that do not exist."""
    assert fault in check_freezes([{"from": first, "to": last, "zone": "UTC", "reason": "audit"}])


def test_a_freeze_without_a_reason_is_refused() -> None:
    """Who meets it wants to know why."""
    table = {"from": date(2026, 12, 1), "to": date(2026, 12, 2), "zone": "UTC", "reason": " "}
    assert "reason must say why" in check_freezes([table])


@pytest.mark.parametrize("value", [["1x"], "24h", [24], [""], ["0m"]])
def test_wrong_reminder_times_are_named(value: object) -> None:
    """Lengths that are none."""
    assert check_lengths(value).startswith("must be a list of lengths of time")
