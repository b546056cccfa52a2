"""What is due is found without reading the upgrades, and is what a row that was read says of itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.journal.rows import LONGEST_PAUSE, is_due
from tests.unit.bot.workbench import ANA, START, Build

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("state", ["running", "asking", "blocked", "upgraded"])
@pytest.mark.parametrize("paused_by", ["", ANA])
@pytest.mark.parametrize("due", [None, -SECOND, timedelta(), SECOND, LONGEST_PAUSE, LONGEST_PAUSE + SECOND])
def test_an_upgrade_that_is_due_is_found(build: Build, state: str, paused_by: str, due: timedelta | None) -> None:
    """In whatever state it is, and whenever it is due; no other one is."""
    engine = build({})
    at = None if due is None else START + due
    row = engine.add_upgrade(["prepare/identify"])
    engine.journal.change_upgrade(row.id, state=state, paused_by=paused_by, due=at, waiting_since=START)  # type: ignore[arg-type]
    expected = [row.id] if state in ("running", "asking") and is_due(engine.row(), START) else []
    assert engine.journal.list_due(START) == expected


def test_an_upgrade_whose_time_can_not_be_read_is_found(build: Build) -> None:
    """Whoever runs it says what is wrong with it."""
    engine = build({})
    row = engine.add_upgrade(["prepare/identify"])
    engine.store._db.execute("update upgrades set due = 'soon'")
    assert engine.journal.list_due(START) == [row.id]
