"""An upgrade as people see it, read from the journal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.telling.views import PhaseState, QuestionView, UpgradeView
from steps.contract.cards import APPROVE, DENY, Card
from steps.contract.step import Ask, Blocked, Context, Done, Outcome
from steps.notes.control_plane import FIRST_WRITE
from tests.unit.bot.workbench import ANA, BEN, START, Build, Engine

PLAN = ("prepare/look", "access/approve", "access/bind", "finish/report")


def look(_ctx: Context) -> Outcome:
    """The first step is done at once."""
    return Done("prepared cluster-x")


def ask(ctx: Context) -> Outcome:
    """A gate."""
    return Done("approved") if ctx.decision else Ask("May it go on?", Card("Rights"), {"what": "this"})


def block(_ctx: Context) -> Outcome:
    """A step that can't go on."""
    return Blocked("the binding is somebody else's", "Remove it, then retry.")


@pytest.fixture
def engine(build: Build) -> Engine:
    """An upgrade of three phases."""
    engine = build(dict(zip(PLAN, (look, ask, block, look), strict=True)))
    engine.add_upgrade(PLAN)
    return engine


def read(engine: Engine) -> UpgradeView:
    """The upgrade as it is shown."""
    return engine.views.read_view("cluster-x-1")


def list_states(engine: Engine) -> list[tuple[str, PhaseState, str]]:
    """Each phase with its state and sentence."""
    return [(phase.name, phase.state, phase.sentence) for phase in read(engine).phases]


def test_a_phase_is_running_until_all_its_steps_are_done(engine: Engine) -> None:
    """The ones after it are pending."""
    assert list_states(engine) == [("prepare", "running", ""), ("access", "pending", ""), ("finish", "pending", "")]
    engine.runner.turn()
    assert list_states(engine)[0] == ("prepare", "done", "prepared cluster-x")


def test_a_phase_that_asks_shows_its_question(engine: Engine) -> None:
    """With the choices and what is legal besides."""
    engine.runner.turn()
    engine.runner.turn()
    view = read(engine)
    assert [phase.state for phase in view.phases] == ["done", "asking", "pending"]
    assert view.question == QuestionView(
        "access/approve", 1, "May it go on?", (APPROVE, DENY), START + timedelta(hours=24)
    )
    assert "pause" in view.legal
    assert "retry" not in view.legal


def test_a_blocked_phase_shows_why_and_what_to_do(engine: Engine) -> None:
    """The phase's sentence is the upgrade's own."""
    for _ in range(2):
        engine.runner.turn()
    engine.click("approve", BEN)
    for _ in range(2):
        engine.runner.turn()
    view = read(engine)
    assert (view.state, view.remedy) == ("blocked", "Remove it, then retry.")
    assert list_states(engine)[1] == ("access", "blocked", "the binding is somebody else's")


def test_a_phase_tells_its_times(engine: Engine) -> None:
    """The end only where it is through."""
    engine.runner.turn()
    first, second, _ = read(engine).phases
    assert (first.started_at, first.ended_at) == (START, START)
    assert second.ended_at is None


def test_what_was_bound_and_given_back_is_a_line_of_the_phase_it_stands_in(build: Build) -> None:
    """No phase of its own, and not the phase's own sentence."""
    plan = ("access/approve", "control-plane/approve", "access/bind", "access/check", "control-plane/apply", "end/end")
    engine = build({step: lambda ctx: Done(f"{ctx.step_id} is done") for step in plan})
    engine.add_upgrade(plan)
    for _ in plan[:-1]:
        engine.runner.turn()
    _, plane, _ = read(engine).phases
    assert (plane.name, plane.state, plane.sentence) == ("control-plane", "done", "control-plane/apply is done")
    assert plane.lines == ("access/bind is done",)


def test_who_asked_for_it_and_where_it_is_told(engine: Engine) -> None:
    """As the row has it; the version it came from is unknown before it was looked at."""
    view = read(engine)
    assert (view.requester, view.channel, view.source_version, view.production) == (ANA, "C0MESHOPS1", "", True)


def test_an_upgrade_that_there_is_not_is_not_shown(engine: Engine) -> None:
    """KeyError, as of any mapping."""
    assert (engine.views.has_upgrade("cluster-x-1"), engine.views.has_upgrade("cluster-x-2")) == (True, False)
    with pytest.raises(KeyError):
        engine.views.read_view("cluster-x-2")


def test_only_open_upgrades_are_listed(engine: Engine) -> None:
    """What has ended is history."""
    assert [view.id for view in engine.views.list_open()] == ["cluster-x-1"]
    engine.journal.change_upgrade("cluster-x-1", state="upgraded", ended_at=START)
    assert engine.views.list_open() == []


def test_an_upgrade_and_its_way_back_name_each_other(engine: Engine) -> None:
    """Each with what became of the other."""
    engine.transitions.roll_back(engine.row(), ANA, "slow")
    engine.transitions.end(engine.row(), Done("landed"))
    back = engine.views.read_view("cluster-x-2")
    assert (read(engine).way_back, back.takes_back) == ("cluster-x-2 (running)", "cluster-x-1")
    assert [phase.title for phase in read(engine).phases][-1] == "Landing"
    assert back.phases[0].title == "Way back"


def test_the_way_back_may_be_ordered_from_the_first_write_on(engine: Engine) -> None:
    """And no longer once somebody has."""
    assert "rollback" not in read(engine).legal
    engine.journal.remember("cluster-x-1", FIRST_WRITE, "run")
    assert read(engine).legal[-1] == "rollback"
    engine.transitions.roll_back(engine.row(), ANA, "slow")
    assert "rollback" not in read(engine).legal


def test_what_people_took_is_counted_up_to_the_last_decision(engine: Engine) -> None:
    """Of a question that is open that is not known yet."""
    engine.runner.turn()
    engine.runner.turn()
    engine.post_cards()
    engine.clock.advance(9 * 3600)
    assert read(engine).people == timedelta()
    engine.click("approve", BEN)
    assert read(engine).people == timedelta(hours=9)
    assert [(one.question, one.choice) for one in read(engine).approvals] == [("May it go on?", "approve")]
