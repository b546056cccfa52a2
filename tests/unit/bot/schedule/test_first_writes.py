"""The first write of a step, at the end of its window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot.engine.turn import Turn
from bot.windows.permits import CONTROL_PLANE_START, SELF_HOLDING, WRITING
from steps.contract.errors import TryAgain
from steps.contract.step import Context, Done, Outcome, Step, Waiting
from steps.mesh import Binding
from tests.unit.bot.engine.test_deeds import Places
from tests.unit.bot.schedule.held import NIGHTS
from tests.unit.bot.workbench import START, Build, Engine
from tests.unit.steps.paper_ports import PaperKubernetes

CLOSES = datetime(2026, 12, 1, 4, tzinfo=START.tzinfo)
OPENS = datetime(2026, 12, 1, 22, tzinfo=START.tzinfo)
# The control plane is held before the end already, for room.
WRITERS = sorted(WRITING - CONTROL_PLANE_START)


class Noting(PaperKubernetes):
    """A cluster that notes when it was written to."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.written: list[datetime] = []
        self._now = now

    def create_binding(self, binding: Binding) -> None:
        """Note the moment."""
        self.written.append(self._now())


def begin_late(build: Build, step: str, run: Callable[[Context], Outcome]) -> tuple[Engine, Noting]:
    """An upgrade that comes to this step three minutes before its window closes."""
    places = Places()
    engine = build({step: run}, downtime=NIGHTS, ports=places)
    places.kubernetes = cluster = Noting(engine.clock.now)
    engine.clock.time = CLOSES - timedelta(minutes=3)
    engine.add_upgrade([step])
    engine.runner.turn()
    return engine, cluster


def pass_minutes(engine: Engine, minutes: int) -> None:
    """A turn a minute."""
    for _ in range(minutes):
        engine.clock.advance(60)
        engine.runner.turn()


def write(ctx: Context) -> None:
    ctx.kubernetes.create_binding(Binding("b", "r", ()))


@pytest.mark.parametrize("step", WRITERS)
@pytest.mark.parametrize("says", ["try again", "waiting"])
def test_what_has_written_nothing_is_held_when_its_window_closes(build: Build, step: str, says: str) -> None:
    """Whether a call failed or the step itself waits for something: its first write would fall after the end."""

    def run(ctx: Context) -> Outcome:
        if ctx.now < CLOSES + timedelta(minutes=2):
            if says == "waiting":
                return Waiting("somebody else has the Lease", 5)
            raise TryAgain("the API server answered 503")
        write(ctx)
        return Waiting("written", 5)

    engine, cluster = begin_late(build, step, run)
    pass_minutes(engine, 8)
    assert (cluster.written, engine.row().due) == ([], OPENS)


@pytest.mark.parametrize("step", WRITERS)
def test_what_has_written_runs_on(build: Build, step: str) -> None:
    """Half a step is worse than a late one."""

    def run(ctx: Context) -> Outcome:
        write(ctx)
        raise TryAgain("the API server answered 503")

    engine, cluster = begin_late(build, step, run)
    pass_minutes(engine, 8)
    assert max(cluster.written) > CLOSES


@pytest.mark.parametrize("step", [*WRITERS, *sorted(SELF_HOLDING - CONTROL_PLANE_START)])
def test_a_window_that_closes_while_a_step_looks_lets_it_write_no_more(build: Build, step: str) -> None:
    """It is judged right before the first write; a batch that has begun is ended."""
    clock: list[Engine] = []

    def run(ctx: Context) -> Outcome:
        if ctx.hold:
            return Waiting("held", 5, held=True)
        if not clock:  # the turn in which the engine is made
            return Waiting("looks", 5)
        clock[0].clock.advance(300)
        write(ctx)
        return Waiting("written", 5)

    engine, cluster = begin_late(build, step, run)
    clock.append(engine)
    pass_minutes(engine, 1)
    engine.runner.turn()
    assert cluster.written == []


@pytest.mark.parametrize("step", WRITERS)
def test_a_batch_that_has_begun_is_ended(build: Build, step: str) -> None:
    """The end of the window falls between two of its writes."""
    clock: list[Engine] = []

    def run(ctx: Context) -> Outcome:
        if clock:
            write(ctx)
            clock[0].clock.advance(300)
            write(ctx)
        return Waiting("written", 5)

    engine, cluster = begin_late(build, step, run)
    clock.append(engine)
    pass_minutes(engine, 1)
    assert [at > CLOSES for at in cluster.written] == [False, True]


def test_what_runs_beside_the_plan_is_held_by_no_window(build: Build) -> None:
    """Rights that nothing uses are given back at whatever hour."""

    def rest(ctx: Context) -> Outcome:
        write(ctx)
        return Done("given back")

    engine, cluster = begin_late(build, "access/bind", lambda _ctx: Waiting("looks", 5))
    engine.clock.time = CLOSES + timedelta(hours=1)
    engine.runner._runs.run(Step("access/rest", rest), engine.row(), Turn(), hold="")
    assert cluster.written == [engine.clock.now()]
