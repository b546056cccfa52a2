"""Upgrades that begin the same step at one moment begin it one after another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.journal.grounds import SPACING
from bot.journal.rows import UpgradeRow
from tests.unit.bot.workbench import START, Build, Engine

FIRST, OTHER = "prepare/identify", "prepare/inspect"
OPENS = START + timedelta(hours=5)


def add(engine: Engine, number: int, after: float = 0.0, step: str = FIRST) -> UpgradeRow:
    """One that stands at the step and is due so many spacings after the beginning."""
    row = engine.add_upgrade([step], f"cluster-{number}")
    engine.journal.change_upgrade(row.id, due=START + after * SPACING)
    return row


def list_dues(engine: Engine) -> list[float]:
    """When the open upgrades are due, in spacings after the beginning."""
    dues = [row.due for row in engine.journal.list_open_upgrades() if row.due]
    return sorted((due - START) / SPACING for due in dues)


def test_what_starts_at_one_moment_begins_one_after_another(build: Build) -> None:
    """The first at once."""
    engine = build({})
    sample = add(engine, 0)
    for number in range(1, 4):
        row = replace(sample, id=f"cluster-{number}-1", cluster=f"cluster-{number}", due=START)
        engine.transitions.start(row, "started")
    assert list_dues(engine) == pytest.approx([0, 1, 2, 3])


def test_a_start_right_after_another_keeps_its_distance(build: Build) -> None:
    """Clicks are settled some milliseconds apart."""
    engine = build({})
    add(engine, 1)
    wanted = START + SPACING / 20
    assert engine.journal.find_free_moment(add(engine, 2), wanted) == START + SPACING


def test_what_waits_for_one_window_goes_on_one_after_another(build: Build) -> None:
    """Held again, each keeps its moment."""
    engine = build({})
    rows = [add(engine, number) for number in range(3)]
    for row in [*rows, *rows]:
        engine.transitions.hold(row, OPENS, "held", "")
    dues = [engine.row(row.id).due for row in rows]
    assert dues == [OPENS + number * SPACING for number in range(3)]


@pytest.mark.parametrize(
    ("taken", "free"), [((), 0), ((1,), 0), ((0, 2), 1), ((0, 0.5, 1), 2), ((-0.5,), 0.5), ((-1, 0, 1, 3), 2)]
)
def test_the_first_gap_is_taken(build: Build, taken: tuple[float, ...], free: float) -> None:
    """One that is due already is begun before."""
    engine = build({})
    for number, after in enumerate(taken):
        add(engine, number, after)
    found = engine.journal.find_free_moment(add(engine, 99), START)
    assert (found - START) / SPACING == pytest.approx(free)


def test_upgrades_at_other_steps_take_no_moment(build: Build) -> None:
    """Whoever waits for its cluster there looks only now and then."""
    engine = build({})
    add(engine, 1, 0, OTHER)
    assert engine.journal.find_free_moment(add(engine, 2), START) == START


def test_a_time_that_can_not_be_read_takes_no_moment(build: Build) -> None:
    """The upgrade itself says what is wrong with it."""
    engine = build({})
    add(engine, 1)
    engine.store._db.execute("update upgrades set due = 'soon'")
    assert engine.journal.find_free_moment(add(engine, 2), START) == START
