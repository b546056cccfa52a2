"""The first write of a step, at the end of its window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from bot.engine import runner
from bot.engine.turn import Turn
from bot.windows.permits import CONTROL_PLANE_START, SELF_HOLDING, WRITING
from steps.contract.errors import NoPlace, NotGranted, StepError, TryAgain, mark_harmless
from steps.contract.leases import Lease
from steps.contract.ports import ProgramEnded
from steps.contract.step import Context, Done, Outcome, Step, Waiting
from steps.mesh import Binding, EvictionRefused, PodGone
from steps.notes.permissions import RESTED
from steps.notes.runs import APPLY_TRIES, Tries
from steps.phases import rested
from tests.unit.bot.engine.test_deeds import Places, Programs
from tests.unit.bot.schedule.held import NIGHTS
from tests.unit.bot.workbench import START, Build, Engine
from tests.unit.steps.paper_ports import PaperKubernetes

CLOSES = datetime(2026, 12, 1, 4, tzinfo=START.tzinfo)
OPENS = datetime(2026, 12, 1, 22, tzinfo=START.tzinfo)
# The control plane is held before the end already, for room.
WRITERS = sorted(WRITING - CONTROL_PLANE_START)
C = TypeVar("C", bound="Noting")
BINDING = Binding("b", "r", ())
LEASE = Lease("istio-system", "one-bot", "me")
REFUSED = TryAgain("connection refused")
NO_RIGHT = NotGranted("the API server refused", "Grant it.")
NO_PLACE = NoPlace("no place", 2.0)


class Noting(PaperKubernetes):
    """A cluster that notes when it was written to."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.written: list[datetime] = []
        self._now = now

    def create_binding(self, binding: Binding) -> None:
        """Note the moment."""
        self.written.append(self._now())

    def evict_pod(self, namespace: str, name: str, uid: str) -> EvictionRefused | PodGone:
        """Nothing is moved."""
        return EvictionRefused("a budget of 0") if name == "refused" else PodGone()

    def write_lease(self, lease: Lease) -> str | None:
        """Somebody was faster, or nobody was."""
        return None if lease.holder == "late" else "7"


class Faulty(Noting):
    """One whose writes fail until the window has closed."""

    fault: StepError

    def create_binding(self, binding: Binding) -> None:
        """Fail, or note the moment."""
        if self._now() < CLOSES + timedelta(minutes=2):
            raise self.fault
        super().create_binding(binding)


class Full(Programs):
    """Programs that can't be started until the window has closed."""

    def __init__(self, cluster: Faulty) -> None:
        super().__init__()
        self._cluster = cluster

    def start_validate(self, run_id: str) -> None:
        """As a write of the cluster."""
        self._cluster.create_binding(Binding(run_id, "r", ()))


def begin_late(build: Build, step: str, run: Callable[[Context], Outcome]) -> tuple[Engine, Noting]:
    """An upgrade that comes to this step three minutes before its window closes."""
    return begin_late_on(Noting, build, step, run)


def begin_late_on(
    kind: type[C], build: Build, step: str, run: Callable[[Context], Outcome], fault: StepError | None = None
) -> tuple[Engine, C]:
    """The same on a cluster of this kind, and with such a fault."""
    places = Places()
    engine = build({step: run}, downtime=NIGHTS, ports=places)
    places.kubernetes = cluster = kind(engine.clock.now)
    if isinstance(cluster, Faulty) and fault is not None:
        cluster.fault = fault
        places.mesh_tools = Full(cluster)
    engine.clock.time = CLOSES - timedelta(minutes=3)
    engine.add_upgrade([step])
    engine.runner.turn()
    return engine, cluster


def pass_minutes(engine: Engine, minutes: int) -> None:
    """A turn a minute."""
    for _ in range(minutes):
        engine.clock.advance(60)
        engine.runner.turn()


def assert_held(engine: Engine, cluster: Noting) -> None:
    """Nothing is written while the window closes, and the upgrade waits for the next one."""
    pass_minutes(engine, 8)
    assert (cluster.written, engine.row().due) == ([], OPENS)


def assert_runs_on(engine: Engine, cluster: Noting) -> None:
    """It still writes when the window has closed."""
    pass_minutes(engine, 8)
    assert max(cluster.written) > CLOSES


def write(ctx: Context) -> None:
    ctx.kubernetes.create_binding(BINDING)


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
    assert_held(engine, cluster)


@pytest.mark.parametrize("step", WRITERS)
def test_what_has_written_runs_on(build: Build, step: str) -> None:
    """Half a step is worse than a late one."""

    def run(ctx: Context) -> Outcome:
        write(ctx)
        raise TryAgain("the API server answered 503")

    engine, cluster = begin_late(build, step, run)
    assert_runs_on(engine, cluster)


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


@pytest.mark.parametrize("step", WRITERS)
@pytest.mark.parametrize(
    "fault",
    [mark_harmless(REFUSED), NO_RIGHT],
    ids=["try again", "not granted"],
)
def test_a_call_that_changed_nothing_begins_nothing(
    build: Build, step: str, fault: StepError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal: the write that goes through later would be the first, and falls after the end."""

    def run(ctx: Context) -> Outcome:
        write(ctx)
        return Waiting("written", 5)

    monkeypatch.setattr(runner, "find_retried", lambda *_: CLOSES - timedelta(minutes=4))
    engine, cluster = begin_late_on(Faulty, build, step, run, fault)
    assert_held(engine, cluster)


@pytest.mark.parametrize("fault", [NO_PLACE, TryAgain("no token")])
def test_a_program_that_was_not_started_begins_nothing(build: Build, fault: StepError) -> None:
    """Whatever kept it from being started."""

    def run(ctx: Context) -> Outcome:
        ctx.mesh_tools.start_validate("r1")  # type: ignore[call-arg]
        return Waiting("started", 5)

    engine, cluster = begin_late_on(Faulty, build, "validate/run", run, fault)
    assert_held(engine, cluster)


@pytest.mark.parametrize("step", WRITERS)
@pytest.mark.parametrize("holder", ["late", "me"])
def test_a_lease_begins_nothing(build: Build, step: str, holder: str) -> None:
    """Whether it was taken or somebody was faster: it is the bot's own."""

    def run(ctx: Context) -> Outcome:
        ctx.kubernetes.write_lease(replace(LEASE, holder=holder))
        if ctx.now > CLOSES:
            write(ctx)
        return Waiting("not yet", 5)

    engine, cluster = begin_late(build, step, run)
    assert_held(engine, cluster)


@pytest.mark.parametrize("step", WRITERS)
@pytest.mark.parametrize("name", ["refused", "gone"])
def test_an_eviction_that_moved_nothing_begins_nothing(build: Build, step: str, name: str) -> None:
    """A budget refused it, or the pod was gone."""

    def run(ctx: Context) -> Outcome:
        ctx.kubernetes.evict_pod("shop", name, "1")
        if ctx.now > CLOSES:
            write(ctx)
        return Waiting("not yet", 5)

    engine, cluster = begin_late(build, step, run)
    assert_held(engine, cluster)


@pytest.mark.parametrize("step", WRITERS)
def test_a_call_that_may_have_written_has_begun(build: Build, step: str) -> None:
    """It gave no answer; what came of it is for the next turn to see."""

    def run(ctx: Context) -> Outcome:
        write(ctx)
        return Waiting("written", 5)

    engine, cluster = begin_late_on(Faulty, build, step, run, TryAgain("no answer within 30 s"))
    assert_runs_on(engine, cluster)


@pytest.mark.parametrize("step", WRITERS)
def test_a_refusal_after_a_write_takes_nothing_back(build: Build, step: str) -> None:
    """In the same turn or in a later one: the step has begun."""

    def run(ctx: Context) -> Outcome:
        if ctx.now < CLOSES:
            ctx.kubernetes.delete_namespace("asmctl-left")
        write(ctx)
        return Waiting("written", 5)

    engine, cluster = begin_late_on(Faulty, build, step, run, mark_harmless(TryAgain("throttling (429)")))
    assert_runs_on(engine, cluster)


@pytest.mark.parametrize("step", [*WRITERS, *sorted(SELF_HOLDING - CONTROL_PLANE_START)])
def test_a_write_after_a_refused_one_is_judged_again(build: Build, step: str) -> None:
    """The window closes between the two."""
    clock: list[Engine] = []

    def run(ctx: Context) -> Outcome:
        if clock and not ctx.hold:
            ctx.kubernetes.evict_pod("shop", "refused", "1")
            clock[0].clock.advance(300)
            write(ctx)
        return Waiting("held" if ctx.hold else "looks", 5, held=bool(ctx.hold))

    engine, cluster = begin_late(build, step, run)
    clock.append(engine)
    pass_minutes(engine, 1)
    engine.runner.turn()
    assert cluster.written == []


@pytest.mark.parametrize("step", WRITERS)
def test_what_runs_beside_the_plan_lets_a_begun_step_run_on(build: Build, step: str) -> None:
    """It writes too, and is another's beginning."""

    def run(ctx: Context) -> Outcome:
        write(ctx)
        return Waiting("half", 5)

    def rest(ctx: Context) -> Outcome:
        ctx.kubernetes.delete_namespace("asmctl-left")
        return Done("given back")

    engine, cluster = begin_late(build, step, run)
    engine.runner._runs.run(Step("access/rest", rest), engine.row(), Turn(), hold="")
    engine.clock.time = CLOSES + timedelta(minutes=1)
    engine.runner.turn()
    assert max(cluster.written) > CLOSES


@pytest.mark.parametrize("step", sorted(rested.ACTING))
def test_what_was_taken_back_is_bound_again_in_a_window_only(
    build: Build, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by the steps that are called while they are held; a start of the bot has them judged at whatever hour."""

    def bind(ctx: Context) -> Outcome:
        write(ctx)
        return Done("bound")

    def run(ctx: Context) -> Outcome:
        return Waiting(ctx.hold or "acts", 5, held=bool(ctx.hold))

    monkeypatch.setattr(rested, "bind", bind)
    monkeypatch.setattr(rested, "on_same_cluster", lambda bound: bound)
    places = Places()
    engine = build({step: rested.bind_again(Step(step, run)).run}, downtime=NIGHTS, ports=places)
    places.kubernetes = cluster = Noting(engine.clock.now)
    engine.clock.time = CLOSES + timedelta(hours=5)
    monkeypatch.setattr(engine.keeper, "find_silence", lambda *_: "")
    row = engine.add_upgrade([step])
    engine.journal.remember(row.id, RESTED, True)
    engine.runner.turn()
    engine.keeper.wake_held()
    engine.runner.turn()
    held = list(cluster.written)
    engine.clock.time = OPENS + timedelta(minutes=1)
    engine.runner.turn()
    assert (held, cluster.written) == ([], [engine.clock.time])


@pytest.mark.parametrize("at", [CLOSES - timedelta(minutes=20), CLOSES + timedelta(hours=5)], ids=["short", "closed"])
@pytest.mark.parametrize("begun", ["repeated", "ended", ""])
def test_half_a_control_plane_waits_for_no_window_after_a_rest(
    build: Build, at: datetime, begun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An apply that was begun goes on by itself, however little of its window is left; a first one is held."""
    step = "control-plane/apply"
    monkeypatch.setattr(rested, "bind", lambda _ctx: Done("bound"))
    monkeypatch.setattr(rested, "on_same_cluster", lambda bound: bound)
    places = Places()
    run = rested.bind_again(Step(step, lambda _ctx: Waiting("mends", 5))).run
    engine = build({step: run}, downtime=NIGHTS, ports=places)
    monkeypatch.setattr(engine.keeper, "measure_need", lambda _row: timedelta(minutes=40))
    engine.clock.time = at
    row = engine.add_upgrade([step])
    engine.journal.remember(row.id, RESTED, True)
    if begun == "repeated":
        engine.journal.remember(row.id, APPLY_TRIES, Tries(row.generation, 2))
    if begun == "ended":
        places.mesh_tools = Programs({f"{row.id}-apply-{row.generation}": ProgramEnded(1, "")})
    engine.runner.turn()
    assert (engine.row().sentence == "mends") == bool(begun)
