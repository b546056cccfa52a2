"""Rows of the audit as earlier versions wrote them, and as they are written now."""

from __future__ import annotations

import pytest

from bot.journal.audit import (
    PLAIN,
    Aborted,
    Consented,
    Decided,
    Event,
    Extended,
    GlassBroken,
    Paused,
    Resumed,
    Retried,
    Scheduled,
    Snoozed,
    Started,
    describe_event,
    name_event,
    read_event,
)

EARLIER: list[tuple[str, str, Event]] = [
    ("start", '{"release":"1.4.10-asm.18"}', Started("1.4.10-asm.18")),
    (
        "consent to approve",
        '{"step":"access/approve","generation":1,"digest":"9f","of":2}',
        Consented("approve", "access/approve", 1, "9f", 2),
    ),
    (
        "approve",
        '{"step":"access/approve","generation":1,"digest":"9f","reason":""}',
        Decided("approve", "access/approve", 1, "9f", ""),
    ),
    (
        "skip",
        '{"step":"authorization/approve","generation":3,"digest":"","reason":"later"}',
        Decided("skip", "authorization/approve", 3, "", "later"),
    ),
    (
        "break-glass",
        '{"step":"access/approve","generation":1,"digest":"9f","reason":"checkout is down"}',
        GlassBroken("access/approve", 1, "9f", "checkout is down"),
    ),
    ("pause", '{"step":"access/bind","reason":""}', Paused("access/bind", "")),
    ("resume", '{"step":"access/bind","reason":""}', Resumed("access/bind", "")),
    ("retry", '{"step":"validate/run"}', Retried("validate/run")),
    ("abort", '{"step":"validate/run","reason":"wrong cluster"}', Aborted("validate/run", "wrong cluster")),
    ("schedule", '{"reason":"","said":"scheduled"}', Scheduled("", "scheduled")),
    ("extend", '{"reason":"almost done","said":"extended"}', Extended("almost done", "extended")),
    ("snooze", '{"reminder":12,"until":"2026-12-01T02:05:00+00:00"}', Snoozed(12, "2026-12-01T02:05:00+00:00")),
]


@pytest.mark.parametrize(("action", "detail", "event"), EARLIER)
def test_a_row_of_an_earlier_version_is_read(action: str, detail: str, event: Event) -> None:
    """Whatever it was that somebody did."""
    assert read_event(action, detail) == event


@pytest.mark.parametrize(("action", "detail", "event"), EARLIER)
def test_an_event_is_written_as_ever(action: str, detail: str, event: Event) -> None:
    """Other programs read the table."""
    assert (name_event(event), describe_event(event)) == (action, detail)


def test_the_table_of_events_is_complete() -> None:
    """By the names under which they are written."""
    assert {type(event) for _, _, event in EARLIER} == {Consented, Decided, *PLAIN.values()}
