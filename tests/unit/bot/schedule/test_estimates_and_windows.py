"""What is known about time when a card is drawn, and whether the control plane still fits into its window."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from bot.windows.downtime import Downtime, Freeze, Window
from steps.contract.cards import Card
from steps.contract.forecast import Forecast
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from steps.notes.prepare import NODES
from tests.unit.bot.schedule.held import DAILY, DAYS, NIGHTS, begin, pass_to, said
from tests.unit.bot.workbench import ANA, BEN, START, Build, Engine

SHORT = Downtime((Window(DAILY, time(1), time(2, 15), "UTC"),))


def forecast(build: Build, downtime: Downtime, **appointment: str) -> Forecast:
    """What a step of an upgrade hears at 02:00 UTC."""
    heard: list[Forecast] = []

    def listen(ctx: Context) -> Outcome:
        heard.append(ctx.forecast())
        return Waiting("listening", 5)

    engine = begin(build, downtime, prepare__propose=listen)
    if appointment:
        engine.click("schedule", ANA, arguments=appointment)
        engine.clock.advance(10)
        engine.runner.turn()
    return heard[-1]


def test_inside_of_a_window_its_rest_counts(build: Build) -> None:
    """Two hours until 04:00."""
    assert forecast(build, NIGHTS).window_minutes == 120


def test_outside_the_length_of_the_next_window_counts(build: Build) -> None:
    """Eight hours from 08:00."""
    assert forecast(build, DAYS).window_minutes == 480


def test_an_appointment_is_the_window(build: Build) -> None:
    """Of three hours, days ahead."""
    when = {"date": "2026-12-05", "time": "07:00", "zone": "Asia/Seoul", "for": "3h"}
    assert forecast(build, NIGHTS, **when).window_minutes == 180


def test_without_windows_nothing_can_be_overrun(build: Build) -> None:
    """Any time will do."""
    assert forecast(build, Downtime()).window_minutes is None


def test_a_freeze_ends_the_window_before_its_time(build: Build) -> None:
    """From the next midnight on, within a window of a day and more."""
    always = Window(DAILY, time(0), time(0), "UTC")
    frozen = Freeze(date(2026, 12, 2), date(2026, 12, 3), "UTC", "audit")
    assert forecast(build, Downtime((always,), (frozen,))).window_minutes == 22 * 60


def enter(build: Build, nodes: int) -> Engine:
    """The control plane is next, with 15 minutes of window left."""
    engine = build({"control-plane/backup": lambda _c: Done("kept")}, downtime=SHORT)
    engine.journal.remember(engine.add_upgrade(["control-plane/backup"]).id, NODES, nodes)
    engine.runner.turn()
    return engine


def test_many_nodes_need_more_of_the_window(build: Build) -> None:
    """60 of them take up to 20.25 minutes, and as long again for the way back."""
    assert "the control plane may need 41 min with the way back" in said(enter(build, 60))[0]


def measure_plane(engine: Engine, minutes: float) -> None:
    """An earlier upgrade of this cluster whose control plane took so long."""
    row = engine.add_upgrade(["control-plane/rollout"], number=9)
    for _ in range(int(minutes * 6) + 1):
        engine.journal.record_step(row.id, "control-plane/rollout", "Done", "", engine.clock.now(), ended=True)
        engine.clock.advance(10)
    engine.journal.change_upgrade(row.id, state="upgraded", due=None, ended_at=engine.clock.now())
    engine.clock.time = START


@pytest.mark.parametrize(("minutes", "state"), [(5, "upgraded"), (6, "running")])
def test_a_measured_control_plane_decides_whether_it_fits(build: Build, minutes: int, state: str) -> None:
    """15 minutes hold twice the 6.5 that 5 measured ones may become, and not twice 7.8."""
    engine = build({"control-plane/backup": lambda _c: Done("kept")}, downtime=SHORT)
    measure_plane(engine, minutes)
    engine.add_upgrade(["control-plane/backup"])
    engine.runner.turn()
    assert engine.row().state == state


def test_an_extension_that_is_too_short_starts_no_control_plane(build: Build) -> None:
    """41 minutes are needed; it says what is left."""
    engine = enter(build, 60)
    engine.click("extend", BEN, choice="10m", reason="only a little")
    engine.runner.turn()
    assert "the window has 25 min left" in engine.row().sentence


def test_an_extension_never_shortens_the_window(build: Build) -> None:
    """Two hours of it are left; half an hour more is added at its end."""
    engine = begin(build, NIGHTS, sidecars__restart=lambda _c: Waiting("in flight", 5))
    engine.click("extend", BEN, choice="30m", reason="to be safe")
    assert engine.row().state == "running"
    pass_to(engine, 4)
    assert engine.row().sentence == "in flight"


def test_what_is_held_for_room_names_the_way_to_go_on(build: Build) -> None:
    """A person may take it upon themselves, with a reason."""
    assert "`/asm-upgrade extend cluster-x 1h REASON` lets it go on now" in said(enter(build, 0))[0]


def test_overlapping_windows_are_not_closed_in_between(build: Build) -> None:
    """22:00 to 02:10 and 02:00 to 04:00: at 02:30 it still acts."""
    both = Downtime((Window(DAILY, time(22), time(2, 10), "UTC"), Window(DAILY, time(2), time(4), "UTC")))
    engine = begin(build, both, prepare__propose=lambda _c: Waiting("soon", 5), access__bind=lambda _c: Done("bound"))
    engine.journal.change_upgrade("cluster-x-1", step="access/bind")
    engine.clock.time = START + timedelta(minutes=30)
    engine.runner.turn()
    assert engine.row().state == "upgraded"


def test_an_overlap_counts_as_one_rest(build: Build) -> None:
    """Until 04:00 it is two hours."""
    both = Downtime((Window(DAILY, time(22), time(2, 10), "UTC"), Window(DAILY, time(2), time(4), "UTC")))
    assert forecast(build, both).window_minutes == 120


def stop_at_hold(ctx: Context) -> Outcome:
    """Moves on and stops where it is told to."""
    return Waiting(ctx.hold or "in flight", 5, held=bool(ctx.hold))


def test_a_freeze_that_begins_holds_a_running_upgrade(build: Build) -> None:
    """Windows or not: at midnight it stops, and goes on in the first window after the freeze."""
    frozen = Freeze(date(2026, 12, 2), date(2026, 12, 3), "UTC", "audit")
    engine = begin(build, Downtime(NIGHTS.windows, (frozen,)), sidecars__restart=stop_at_hold)
    pass_to(engine, 23)
    assert engine.row().sentence == "in flight"
    pass_to(engine, 0, day=2)
    assert engine.row().sentence == "held before sidecars: frozen 2026-12-02 to 2026-12-03 UTC: audit"
    assert engine.row().due == datetime(2026, 12, 4, 0, tzinfo=START.tzinfo)


def test_a_freeze_ends_an_extension_too(build: Build) -> None:
    """Given for six hours at 23:00, it ends at midnight."""
    frozen = Freeze(date(2026, 12, 2), date(2026, 12, 2), "UTC", "audit")
    engine = begin(build, Downtime(DAYS.windows, (frozen,)), sidecars__restart=stop_at_hold)
    pass_to(engine, 23)
    engine.click("extend", BEN, choice="6h", reason="nearly done")
    engine.runner.turn()
    assert engine.row().sentence == "in flight"
    pass_to(engine, 0, day=2)
    assert "frozen 2026-12-02 UTC: audit" in engine.row().sentence


@pytest.mark.parametrize("action", ["pause", "abort"])
def test_a_freeze_does_not_stop_a_person_from_stopping(build: Build, action: str) -> None:
    """Pause and abort are always obeyed."""
    frozen = Freeze(date(2026, 12, 1), date(2026, 12, 2), "UTC", "audit")
    engine = begin(build, Downtime((), (frozen,)), sidecars__restart=stop_at_hold)
    engine.click(action, BEN)
    for _ in range(3):
        engine.runner.turn()
    assert engine.row().paused_by == BEN if action == "pause" else engine.row().state == "aborted"


def test_an_approval_given_while_frozen_waits_for_the_thaw(build: Build) -> None:
    """Nothing acts on it before."""
    frozen = Freeze(date(2026, 12, 1), date(2026, 12, 2), "UTC", "audit")

    def ask(ctx: Context) -> Outcome:
        return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))

    engine = begin(build, Downtime((), (frozen,)), sidecars__approve=ask, sidecars__restart=lambda _c: Done("moved"))
    engine.click("approve", BEN)
    engine.runner.turn()
    assert engine.row().step == "sidecars/approve"
    pass_to(engine, 0, day=3)
    engine.runner.turn()
    assert engine.row().state == "upgraded"
