"""When an upgrade acts is shown before and after the approval, and who may move that."""

from __future__ import annotations

from dataclasses import replace

from bot.journal.bodies import FileBody
from bot.telling.reports import describe_times
from bot.windows.downtime import Downtime
from steps.contract.step import Waiting
from tests.unit.bot.schedule.held import DAYS, NIGHTS, ask, begin, pass_to, said
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, POLICY, START, Build, Engine


def show_times(engine: Engine) -> str:
    """What root, card and status say of when it may act."""
    return describe_times(engine.views.read_view("cluster-x-1"))


def test_when_it_acts_stands_there_before_and_after_the_approval(build: Build) -> None:
    """Of a window that nobody appointed as well."""
    engine = begin(build, DAYS, sidecars__approve=ask, sidecars__restart=lambda _c: Waiting("x", 60))
    told = "Acts from 2026-12-01 08:00 UTC until 2026-12-01 16:00 UTC"
    assert show_times(engine) == told
    assert f"{told}." in engine.click("status", ANA)
    engine.click("approve", BEN)
    engine.runner.turn()
    assert show_times(engine) == told
    pass_to(engine, 8)
    assert show_times(engine) == "May act until 2026-12-01 16:00 UTC"


def test_what_is_read_after_the_end_of_a_window_says_that_it_ended(build: Build) -> None:
    """Wherever it is drawn anew, before the bot has looked at the window again."""
    engine = begin(build, NIGHTS, sidecars__approve=ask)
    pass_to(engine, 5)
    told = "Its window ended 2026-12-01 04:00 UTC, and nothing new is begun until another opens"
    assert show_times(engine) == told
    assert f"{told}." in engine.click("status", ANA)


def test_what_nothing_limits_says_nothing_of_times(build: Build) -> None:
    """Without windows, freezes and an appointment."""
    assert show_times(begin(build, Downtime(), access__approve=ask)) == ""


def test_an_extension_moves_the_end_that_is_shown(build: Build) -> None:
    """On root, card and status; the card is drawn again."""
    engine = begin(build, NIGHTS, sidecars__approve=ask)
    drawn = read_revision(engine)
    engine.click("extend", BEN, choice="1h", reason="almost done")
    assert show_times(engine) == "May act until 2026-12-01 05:00 UTC"
    assert read_revision(engine) > drawn


def test_a_moved_appointment_is_what_is_shown(build: Build) -> None:
    """Root and card are drawn again, in the transaction that moves it."""
    engine = begin(build, Downtime(), sidecars__approve=ask)
    for day in ("03", "02"):
        drawn = read_revision(engine)
        when = {"date": f"2026-12-{day}", "time": "02:00", "zone": "UTC", "for": "3h"}
        engine.click("schedule", ANA, arguments=when)
        assert show_times(engine) == f"Acts from 2026-12-{day} 02:00 UTC until 2026-12-{day} 05:00 UTC"
        assert read_revision(engine) > drawn


def test_a_window_opened_by_hand_is_shown_as_open(build: Build) -> None:
    """Before an appointment too, as long as it lasts."""
    engine = begin(build, Downtime(), sidecars__approve=ask)
    when = {"date": "2026-12-03", "time": "02:00", "zone": "UTC", "for": "3h"}
    engine.click("schedule", ANA, arguments=when)
    engine.click("extend", BEN, choice="1h", reason="now")
    assert show_times(engine) == "May act until 2026-12-01 03:00 UTC"


def read_revision(engine: Engine) -> int:
    """How often the card was drawn anew."""
    (row, *_) = engine.store.read("select revision from outbox where kind = 'gate' order by seq desc")
    return int(row["revision"])


def meet(engine: Engine, day: int, by: str) -> str:
    """Appoint the upgrade for the night of a day in December."""
    when = {"date": f"2026-12-0{day}", "time": "02:00", "zone": "UTC", "for": "3h"}
    return engine.click("schedule", by, arguments=when)


def test_an_appointment_is_moved_forward_by_an_approver_alone_once_something_is_approved(build: Build) -> None:
    """Whoever approved knew the later time; thread, card and calendar tell of the new one."""
    engine = begin(build, Downtime(), access__approve=ask, sidecars__approve=ask)
    meet(engine, 5, ANA)
    engine.click("approve", BEN)
    engine.runner.turn()
    engine.runner.turn()
    told, drawn, before = len(said(engine)), read_revision(engine), len(engine.bodies("file"))
    assert meet(engine, 3, ANA).startswith("cluster-x-1 may not act now, and letting it takes an approval.")
    assert (len(said(engine)), read_revision(engine), len(engine.bodies("file"))) == (told, drawn, before)
    assert meet(engine, 3, CAI).startswith("Scheduled cluster-x-1 for 2026-12-03 02:00-05:00 UTC")
    assert said(engine)[-1].startswith(f"scheduled by <@{CAI}> for 2026-12-03 02:00-05:00 UTC")
    assert read_revision(engine) > drawn
    files = [one.body for one in engine.outbox.list_told("cluster-x-1") if isinstance(one.body, FileBody)]
    assert "DTSTART:20261203T020000Z" in files[-1].text


def test_an_appointment_is_moved_by_who_asked_before_anything_is_approved_and_backward(build: Build) -> None:
    """Nobody relied on the earlier time, or nobody is surprised by a later one."""
    engine = begin(build, Downtime(), access__approve=ask, sidecars__approve=ask)
    assert [meet(engine, day, ANA)[:9] for day in (5, 4)] == ["Scheduled"] * 2
    engine.click("approve", BEN)
    assert meet(engine, 6, ANA).startswith("Scheduled")


def test_without_approvers_it_takes_who_may_break_the_glass_to_move_one_forward(build: Build) -> None:
    """Somebody has to answer for it."""
    alone = replace(POLICY, approvers=frozenset(), break_glass=frozenset({DEE}))
    engine = build({"access/approve": ask, "sidecars/approve": ask}, policy=alone)
    engine.add_upgrade(["access/approve", "sidecars/approve"])
    engine.runner.turn()
    meet(engine, 5, ANA)
    engine.click("break-glass", DEE, reason="now")
    engine.runner.turn()
    assert "takes an approval" in meet(engine, 3, ANA)
    assert engine.journal.find_times("cluster-x-1") == (START.replace(day=5), START.replace(day=5, hour=5))
