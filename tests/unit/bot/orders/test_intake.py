"""Clicks that arrive together share a commit, and none is lost or taken twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.clicks.clicks import Click, Clicks
from bot.clicks.orders import ReadStatus
from bot.journal.store import Store, StoreBroken
from bot.orders.intake import Intake
from tests.unit.bot.blank import open_store
from tests.unit.bot.workbench import ANA, START


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A journal's file of its own."""
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def build_click(number: int) -> Click:
    """A click with an id of its own."""
    return Click(f"click-{number}", ANA, START, ReadStatus())


def test_every_click_is_committed_when_it_returns(store: Store) -> None:
    """All of many at once."""
    clicks = Clicks(store)
    intake = Intake(clicks)
    with ThreadPoolExecutor(8) as pool:
        fresh = list(pool.map(lambda number: intake.receive(build_click(number)), range(100)))
    assert (all(fresh), len(clicks.list_unsettled())) == (True, 100)


def test_one_of_many_deliveries_is_fresh(store: Store) -> None:
    """Slack may deliver a payload more than once."""
    intake = Intake(Clicks(store))
    with ThreadPoolExecutor(8) as pool:
        fresh = list(pool.map(lambda _: intake.receive(build_click(1)), range(40)))
    assert fresh.count(True) == 1


def test_everybody_learns_that_the_journal_is_broken(store: Store) -> None:
    """Nobody is told that it was recorded."""
    intake = Intake(Clicks(store))
    store.broken = "disk full"
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(intake.receive, build_click(number)) for number in range(20)]
    for future in futures:
        with pytest.raises(StoreBroken):
            future.result(timeout=30)


@pytest.mark.parametrize(
    ("arrivals", "asked_at", "crowded"),
    [
        ([], 0.0, False),
        ([1.0], 1.04, True),
        ([1.0], 1.06, False),
        ([1.0 + 0.04 * number for number in range(10)], 1.37, True),
        ([1.0 + 0.04 * number for number in range(20)], 1.77, False),
    ],
)
def test_a_crowd_is_waited_for_but_not_for_long(
    store: Store, arrivals: list[float], asked_at: float, crowded: bool
) -> None:
    """Deciding would take the disk from those who still wait for their acknowledgement."""
    times = iter([*arrivals, asked_at])
    intake = Intake(Clicks(store), lambda: next(times))
    for number in range(len(arrivals)):
        intake.receive(build_click(number))
    assert intake.is_crowded() is crowded
