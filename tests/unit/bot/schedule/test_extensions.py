"""An extension adds to a window, or opens one that is closed, by people who may."""

from __future__ import annotations

from datetime import date

import pytest

from bot.journal.audit import Extended, name_event
from bot.windows.downtime import Downtime, Freeze
from steps.contract.step import Done, Waiting
from tests.unit.bot.schedule.held import DAYS, NIGHTS, begin, said
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, Build


def test_an_extension_does_not_beat_a_freeze(build: Build) -> None:
    """Whoever set the freeze lifts it."""
    frozen = Downtime((), (Freeze(date(2026, 12, 1), date(2026, 12, 1), "UTC", "audit"),))
    engine = begin(build, frozen, access__bind=lambda _c: Done("bound"))
    assert engine.click("extend", BEN, choice="1h", reason="please").startswith(
        "cluster-x is frozen 2026-12-01 UTC: audit."
    )


def test_an_extension_adds_to_the_window_that_is_open(build: Build) -> None:
    """The window ends at 04:00."""
    engine = begin(build, NIGHTS, sidecars__restart=lambda _c: Waiting("in flight", 5))
    assert (
        engine.click("extend", CAI, choice="1h", reason="almost done")
        == "cluster-x-1 may act until 2026-12-01 05:00 UTC."
    )


def test_a_closed_window_is_opened_by_an_approver_alone(build: Build) -> None:
    """Who asked for the upgrade does not let it act, whatever rights they have besides."""
    engine = begin(build, DAYS, access__bind=lambda _c: Done("bound"))
    refused = engine.click("extend", ANA, choice="1h", reason="it is urgent")
    assert refused.startswith("cluster-x-1 may not act now, and letting it takes an approval.")
    engine.runner.turn()
    assert engine.row().state == "running"
    assert engine.click("extend", BEN, choice="1h", reason="it is urgent").startswith("cluster-x-1 may act until")
    assert "window opened by" in said(engine)[-1]


def test_who_asked_for_an_upgrade_adds_to_its_open_window(build: Build) -> None:
    """Nobody has to be woken for the last pods."""
    engine = begin(build, NIGHTS, sidecars__restart=lambda _c: Waiting("in flight", 5))
    assert engine.click("extend", ANA, choice="1h", reason="almost done").startswith("cluster-x-1 may act until")


def test_an_extension_is_on_the_record(build: Build) -> None:
    """Who, until when and why."""
    engine = begin(build, NIGHTS, sidecars__restart=lambda _c: Waiting("in flight", 5))
    engine.click("extend", CAI, choice="1h", reason="almost done")
    entry = engine.journal.list_audit("cluster-x-1")[-1]
    assert isinstance(entry.event, Extended)
    assert (entry.actor, name_event(entry.event), entry.event.reason) == (CAI, "extend", "almost done")


@pytest.mark.parametrize(("user", "reason", "answer"), [(DEE, "x", "You are none of those"), (CAI, " ", "Say why")])
def test_an_extension_needs_a_right_and_a_reason(build: Build, user: str, reason: str, answer: str) -> None:
    """Both are asked for."""
    engine = begin(build, NIGHTS, sidecars__restart=lambda _c: Waiting("in flight", 5))
    assert engine.click("extend", user, choice="1h", reason=reason).startswith(answer)
