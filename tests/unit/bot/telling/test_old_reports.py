"""The button of the way back on reports."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.journal.bodies import FinishedBody
from bot.telling.chronicle import Chronicle
from bot.telling.old_reports import OldReports
from steps.contract.step import Done
from steps.notes.control_plane import FIRST_WRITE
from tests.unit.bot.workbench import ANA, Build, Engine

SHOWN = timedelta(hours=72)


def end(build: Build, *, written: bool = True) -> tuple[Engine, OldReports]:
    """An upgrade that has just ended, after a write or without one."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    if written:
        engine.journal.remember("cluster-x-1", FIRST_WRITE, "run")
    engine.transitions.end(engine.row(), Done("upgraded"))
    chronicle = Chronicle(engine.journal, engine.outbox, lambda _cluster, _requester: [])
    return engine, OldReports(engine.journal, chronicle, engine.clock, SHOWN)


def has_button(engine: Engine) -> bool:
    """Whether the report has the button."""
    body = engine.outbox.find_body("cluster-x-1", "finished")
    assert isinstance(body, FinishedBody)
    return body.returnable


@pytest.mark.parametrize("written", [True, False])
def test_a_report_has_the_button_where_something_was_written(build: Build, written: bool) -> None:
    """Otherwise there is nothing to take back."""
    engine, _ = end(build, written=written)
    assert has_button(engine) is written


@pytest.mark.parametrize(("passed", "shown"), [(71, True), (73, False)])
def test_the_button_goes_in_time(build: Build, passed: int, shown: bool) -> None:
    """From then on the command goes back."""
    engine, reports = end(build)
    engine.clock.advance(passed * 3600)
    reports.turn()
    assert has_button(engine) is shown


def test_the_button_goes_once_the_way_back_has_begun(build: Build) -> None:
    """It can be ordered once."""
    engine, _ = end(build)
    engine.transitions.begin_return(engine.row(), ANA, "slow")
    assert not has_button(engine)
