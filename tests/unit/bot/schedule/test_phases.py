"""A window that closes in each phase of the real plan: what acts stays inside of it, and the upgrade still ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from typing import Any, TypeAlias

import pytest

from bot.windows.downtime import Downtime, Window
from bot.windows.permits import SELF_HOLDING, WRITING
from steps.contract.cards import Card
from steps.contract.options import UpgradeOptions
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from steps.mesh import Binding
from steps.plan import build_plan
from tests.unit.bot.engine.test_deeds import Places
from tests.unit.bot.workbench import BEN, START, Build, Engine, build_engine

PLAN = build_plan("upgrade", UpgradeOptions(canary_namespaces=("canary",)))
# The tests begin at 02:00 UTC.
NIGHTS = Downtime((Window(tuple(range(7)), time(22), time(4), "UTC"),))
BATCHES = 3
ACTING = WRITING | SELF_HOLDING
FIRST_OF_PHASES = list({step.partition("/")[0]: step for step in reversed(PLAN)}.values())[::-1]


class Script:
    """The plan's steps as their real ones act: at once, in batches that can be held, or by asking a person."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, datetime]] = []
        self.holds: list[str] = []

    def write(self, name: str) -> Callable[[Context], Outcome]:
        """The step of this name."""
        if name in SELF_HOLDING:
            return self.act_in_batches
        if name in WRITING:
            return self.act_at_once
        return self.ask if "/approve" in name else lambda _ctx: Done("")

    def act_in_batches(self, ctx: Context) -> Outcome:
        """Stops between two batches where it is told to."""
        if ctx.hold:
            self.holds.append(ctx.step_id)
            return Waiting(ctx.hold, 0.0, held=True)
        self.acts.append((ctx.step_id, ctx.now))
        done = sum(1 for step, _ in self.acts if step == ctx.step_id)
        return Done("moved") if done == BATCHES else Waiting("moving", 5)

    def act_at_once(self, ctx: Context) -> Outcome:
        """Writes in its first turn and looks in its second."""
        begun = any(step == ctx.step_id for step, _ in self.acts)
        if not begun:
            ctx.kubernetes.create_binding(Binding("one", "role", ()))
            self.acts.append((ctx.step_id, ctx.now))
        return Done("written") if begun else Waiting("writing", 5)

    def ask(self, ctx: Context) -> Outcome:
        """A gate."""
        return pass_gate(ctx, Ask(f"{ctx.step_id}?", Card("Card"), {"what": ctx.step_id}))


def begin(build: Build, script: Script) -> Engine:
    """An upgrade on the real plan."""
    steps = {name: script.write(name) for name in PLAN}
    engine = build(
        {**steps, "abort/revoke": lambda _c: Done(""), "abort/report": lambda _c: Done("over")},
        downtime=NIGHTS,
        ports=Places(),
    )
    engine.add_upgrade(PLAN)
    return engine


def turn(engine: Engine, turns: int = 1) -> None:
    """Let it work and approve whatever it asks; half a second passes each time, 5 where it waits."""
    for _ in range(turns):
        engine.runner.turn()
        if engine.row().state == "asking":
            engine.click("approve", BEN)
        engine.clock.advance(5 if engine.row().waiting_since else 0.5)


def go_to(engine: Engine, reached: Callable[[], bool]) -> None:
    """Work until it is reached."""
    for _ in range(200):
        if reached():
            return
        turn(engine)
    raise AssertionError(f"not reached: {engine.row().step} {engine.row().sentence}")


def is_inside(moment: datetime) -> bool:
    """Whether the window is open."""
    return moment.hour >= 22 or moment.hour < 4


@dataclass(frozen=True)
class Life:
    """An upgrade whose window closed at a step: what was done and told until a while later; its engine goes on."""

    engine: Engine
    script: Script
    acts: tuple[tuple[str, datetime], ...]
    told: tuple[str, ...]


Live: TypeAlias = Callable[[str], Life]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Close the window at a step and let the upgrade work on for a while; once a step, whichever test asks first."""
    with ExitStack() as stack:

        def build_one(*args: Any, **options: Any) -> Engine:
            engine = build_engine(tmp_path_factory.mktemp("life"), *args, **options)
            stack.callback(engine.store.close)
            return engine

        @cache
        def close_at(step: str) -> Life:
            script = Script()
            engine = begin(build_one, script)
            go_to(engine, lambda: engine.row().step == step)
            engine.clock.time = START.replace(hour=4, minute=1)
            turn(engine, 40)
            told = tuple(str(body["sentence"]) for body in engine.bodies("milestone"))
            return Life(engine, script, tuple(script.acts), told)

        yield close_at


@pytest.mark.parametrize("step", PLAN)
def test_nothing_acts_once_the_window_has_closed(live: Live, step: str) -> None:
    """Whatever the step at which it closes."""
    assert [act for act in live(step).acts if not is_inside(act[1])] == []


@pytest.mark.parametrize("step", FIRST_OF_PHASES)
def test_it_says_once_that_it_is_held(live: Live, step: str) -> None:
    """Where anything that acts is left."""
    told = [sentence for sentence in live(step).told if "held before" in sentence]
    left = any(name in ACTING for name in PLAN[PLAN.index(step) :])
    assert len(told) == left


@pytest.mark.parametrize("step", PLAN)
def test_it_ends_in_the_next_window_with_every_write_done_once(live: Live, step: str) -> None:
    """No person has to wake it."""
    engine, script = live(step).engine, live(step).script
    engine.clock.time = START.replace(hour=22)
    go_to(engine, lambda: engine.row().state == "upgraded")
    counts = {name: sum(1 for acted, _ in script.acts if acted == name) for name in ACTING}
    assert counts == dict.fromkeys(WRITING, 1) | dict.fromkeys(SELF_HOLDING, BATCHES)


@pytest.mark.parametrize("step", sorted(SELF_HOLDING))
def test_what_moves_in_batches_stops_between_two(build: Build, step: str) -> None:
    """One batch inside, none outside; it was asked where to stop."""
    script = Script()
    engine = begin(build, script)
    go_to(engine, lambda: any(acted == step for acted, _ in script.acts))
    engine.clock.time = START.replace(hour=4, minute=1)
    turn(engine, 10)
    assert (engine.row().step, set(script.holds)) == (step, {step})


@pytest.mark.parametrize("step", sorted(WRITING))
def test_what_was_begun_at_once_is_looked_after(build: Build, step: str) -> None:
    """A begun write has no safe point before its end."""
    script = Script()
    engine = begin(build, script)
    go_to(engine, lambda: any(acted == step for acted, _ in script.acts))
    engine.clock.time = START.replace(hour=4, minute=1)
    turn(engine, 2)
    assert engine.row().step != step


@pytest.mark.parametrize("step", FIRST_OF_PHASES)
@pytest.mark.parametrize("action", ["pause", "abort"])
def test_pause_and_abort_are_obeyed_outside_of_the_window(build: Build, step: str, action: str) -> None:
    """In whichever phase it closed."""
    engine = begin(build, Script())
    go_to(engine, lambda: engine.row().step == step)
    engine.clock.time = START.replace(hour=4, minute=1)
    engine.runner.turn()
    if engine.row().state == "upgraded":
        return
    engine.click(action, BEN)
    for _ in range(3):
        engine.runner.turn()
    row = engine.row()
    assert row.paused_by == BEN if action == "pause" else row.state == "aborted"
