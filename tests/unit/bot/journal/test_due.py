"""What is due is found without reading the upgrades, and is what a row that was read says of itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.journal.rows import LONGEST_PAUSE, is_due
from steps.contract.step import Done
from tests.unit.bot.workbench import ANA, START, Build

SECOND = timedelta(seconds=1)
UNREADABLE = ["'soon'", "x'ff'", "1e300", "-1e300", "9e999", "253402300800"]


@pytest.mark.parametrize("state", ["running", "asking", "blocked", "upgraded"])
@pytest.mark.parametrize("paused_by", ["", ANA])
@pytest.mark.parametrize("due", [None, -SECOND, timedelta(), SECOND, LONGEST_PAUSE, LONGEST_PAUSE + SECOND])
@pytest.mark.parametrize("waiting_since", [None, START])
def test_an_upgrade_that_is_due_is_found(
    build: Build, state: str, paused_by: str, due: timedelta | None, waiting_since: datetime | None
) -> None:
    """In whatever state it is, and whenever it is due; no other one is."""
    engine = build({})
    at = None if due is None else START + due
    row = engine.add_upgrade(["prepare/identify"])
    engine.journal.change_upgrade(
        row.id,
        state=state,  # type: ignore[arg-type]
        paused_by=paused_by,
        due=at,
        waiting_since=waiting_since,
    )
    expected = [row.id] if state in ("running", "asking") and is_due(engine.row(), START) else []
    assert engine.journal.list_due(START) == expected


@pytest.mark.parametrize("state", ["running", "asking"])
@pytest.mark.parametrize("written", UNREADABLE)
def test_a_time_that_can_not_be_read_is_told_and_keeps_nothing_back(build: Build, state: str, written: str) -> None:
    """The upgrade is asked about and looked at no more; the others go on."""
    engine = build({"prepare/identify": lambda _ctx: Done("identified")})
    row, other = engine.add_upgrade(["prepare/identify"]), engine.add_upgrade(["prepare/identify"], "cluster-y")
    engine.store._db.execute(f"update upgrades set due = {written}, state = '{state}' where id = '{row.id}'")
    engine.runner.turn()
    told = engine.row()
    assert (told.state, engine.row(other.id).state, engine.journal.list_due(START)) == ("blocked", "upgraded", [])
    assert f"the journal's row of {row.id} can't be read (due: " in told.sentence


@pytest.mark.parametrize("written", UNREADABLE)
def test_a_wait_that_can_not_be_read_makes_no_upgrade_due(build: Build, written: str) -> None:
    """What nobody would run is not found again and again."""
    engine = build({})
    row = engine.add_upgrade(["prepare/identify"])
    engine.journal.change_upgrade(row.id, due=START + LONGEST_PAUSE + SECOND)
    engine.store._db.execute(f"update upgrades set waiting_since = {written}")
    assert (engine.journal.list_due(START), is_due(engine.row(), START)) == ([], False)
