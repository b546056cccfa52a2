"""Rows of the audit as earlier versions wrote them, and as they are written now."""

from __future__ import annotations

import pytest

from bot.journal.audit import (
    PLAIN,
    Aborted,
    Acted,
    Asked,
    AuditEvent,
    Consented,
    Decided,
    Deed,
    Ended,
    EndedForWayBack,
    Extended,
    Fell,
    GlassBroken,
    Halted,
    Moved,
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

EARLIER: list[tuple[str, str, AuditEvent]] = [
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
    (
        "move",
        '{"channel":"C0MESHOPS1","thread":"17.1","to":"C0OTHER001"}',
        Moved("C0MESHOPS1", "17.1", "C0OTHER001"),
    ),
    ("snooze", '{"reminder":12,"until":"2026-12-01T02:05:00+00:00"}', Snoozed(12, "2026-12-01T02:05:00+00:00")),
]

NOW: list[tuple[str, str, AuditEvent]] = [
    (
        "approve",
        '{"step":"access/approve","generation":1,"digest":"9f","reason":"","code":"K7Q2MD","shown":"ab"}',
        Decided("approve", "access/approve", 1, "9f", "", "K7Q2MD", "ab"),
    ),
    (
        "retry",
        '{"step":"validate/run","generation":2,"code":"K7Q2MD","shown":"ab"}',
        Retried("validate/run", 2, "K7Q2MD", "ab"),
    ),
    (
        "ask",
        '{"step":"access/approve","generation":1,"digest":"9f","said":"Bind?","code":"K7Q2MD","shown":"ab"}',
        Asked("access/approve", 1, "9f", "Bind?", "K7Q2MD", "ab"),
    ),
    (
        "block",
        '{"step":"validate/run","generation":2,"said":"it fails","remedy":"Retry.","code":"K7Q2MD","shown":"ab"}',
        Halted("validate/run", 2, "it fails", "Retry.", "K7Q2MD", "ab"),
    ),
    (
        "act",
        '{"step":"access/bind","deeds":[{"did":"create binding","to":"x","result":"done"}]}',
        Acted("access/bind", (Deed("create binding", "x", "done"),)),
    ),
    (
        "below",
        '{"step":"sidecars/restart","workload":"shop/Deployment/web","pods":2,"reason":"CrashLoopBackOff"}',
        Fell("sidecars/restart", "shop/Deployment/web", 2, "CrashLoopBackOff"),
    ),
    ("start", '{"release":"1","takes_back":"cluster-x-1","reason":"slow"}', Started("1", "cluster-x-1", "slow")),
    ("rollback", '{"step":"validate/run","reason":"slow"}', EndedForWayBack("validate/run", "slow")),
    ("end", '{"result":"upgraded","said":"upgraded cluster-x"}', Ended("upgraded", "upgraded cluster-x")),
]


@pytest.mark.parametrize(("action", "detail", "event"), [*EARLIER, *NOW])
def test_a_row_of_an_earlier_version_is_read(action: str, detail: str, event: AuditEvent) -> None:
    """Whatever it was that somebody did."""
    assert read_event(action, detail) == event


@pytest.mark.parametrize(("action", "detail", "event"), [*EARLIER, *NOW])
def test_an_event_is_written_as_ever(action: str, detail: str, event: AuditEvent) -> None:
    """Other programs read the table."""
    assert (name_event(event), describe_event(event)) == (action, detail)


def test_the_table_of_events_is_complete() -> None:
    """By the names under which they are written."""
    assert {type(event) for _, _, event in [*EARLIER, *NOW]} == {Consented, Decided, *PLAIN.values()}
