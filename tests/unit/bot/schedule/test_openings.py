"""A window or an extension that opens while a held step looks at its cluster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot.windows.permits import SELF_HOLDING, WRITING, Permit
from steps.contract.step import Context, Outcome, Waiting
from tests.unit.bot.engine.test_deeds import Places
from tests.unit.bot.schedule.held import NIGHTS, said
from tests.unit.bot.workbench import START, Build, Engine

NOON = datetime(2026, 12, 1, 12, tzinfo=START.tzinfo)
OPENS = datetime(2026, 12, 1, 22, tzinfo=START.tzinfo)
CLOSES = datetime(2026, 12, 2, 4, tzinfo=START.tzinfo)


def open_window(engine: Engine) -> None:
    engine.clock.time = OPENS + timedelta(seconds=3)


def extend(engine: Engine) -> None:
    """As `/asm-upgrade extend` gives it and wakes the upgrade."""
    now = engine.clock.now()
    engine.keeper._schedules.add_extension("cluster-x-1", now + timedelta(hours=1), "U1", "why", now)
    engine.keeper.wake("cluster-x-1")


def begin_held(build: Build, step: str, at: datetime, opens: Callable[[Engine], None]) -> Engine:
    """An upgrade that comes to this step out of its window, which opens while the step looks."""
    looking: list[Engine] = []

    def run(ctx: Context) -> Outcome:
        if looking and ctx.hold:
            opens(looking.pop())
        return Waiting(ctx.hold or "acts", 5, held=bool(ctx.hold))

    engine = build({step: run}, downtime=NIGHTS, ports=Places())
    looking.append(engine)
    engine.clock.time = at
    engine.add_upgrade([step])
    engine.runner.turn()
    return engine


@pytest.mark.parametrize("step", sorted(SELF_HOLDING))
@pytest.mark.parametrize(
    ("at", "opens"), [(OPENS - timedelta(seconds=5), open_window), (NOON, extend)], ids=["window", "extension"]
)
def test_what_opens_while_a_held_step_looks_is_used(
    build: Build, step: str, at: datetime, opens: Callable[[Engine], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the next turn, and nothing is told of a hold that has no reason."""
    engine = begin_held(build, step, at, opens)
    monkeypatch.setattr(engine.keeper, "measure_need", lambda _row: timedelta(minutes=10))
    engine.runner.turn()
    assert (engine.row().sentence, [words for words in said(engine) if words.endswith(": ")]) == ("acts", [])


@pytest.mark.parametrize("step", sorted(WRITING))
def test_an_extension_that_comes_while_a_step_is_judged_is_used(
    build: Build, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was looked up already, and the upgrade is not held yet."""
    engine = build({step: lambda _ctx: Waiting("acts", 5)}, downtime=NIGHTS, ports=Places())
    engine.clock.time = NOON
    row = engine.add_upgrade([step])
    stale = [engine.keeper.find_permit(row, NOON)]
    find = engine.keeper.find_permit

    def find_permit(*given: object) -> Permit:
        return stale.pop() if stale else find(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.keeper, "measure_need", lambda _row: timedelta(minutes=10))
    monkeypatch.setattr(engine.keeper, "find_permit", find_permit)
    extend(engine)
    engine.runner.turn()
    engine.runner.turn()
    assert engine.row().sentence == "acts"


def test_a_step_that_is_held_by_nothing_does_not_spin(build: Build) -> None:
    """It says that it is held though its window is open: it waits as for anything else."""
    engine = build({"sidecars/restart": lambda _ctx: Waiting("looks", 0, held=True)}, downtime=NIGHTS, ports=Places())
    engine.clock.time = CLOSES - timedelta(hours=1)
    engine.add_upgrade(["sidecars/restart"])
    engine.runner.turn()
    assert (engine.row().due, engine.row().sentence) == (engine.clock.now() + timedelta(seconds=5), "looks")


def test_an_open_window_with_too_little_room_is_waited_out(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control plane is held to the next window, not looked at again at once."""
    step = "control-plane/apply"
    engine = build({step: lambda ctx: Waiting(ctx.hold, 0, held=True)}, downtime=NIGHTS, ports=Places())
    engine.clock.time = CLOSES - timedelta(minutes=20)
    monkeypatch.setattr(engine.keeper, "measure_need", lambda _row: timedelta(minutes=40))
    engine.add_upgrade([step])
    engine.runner.turn()
    assert engine.row().due == OPENS + timedelta(days=1)
    assert "the window has 20 min left" in engine.row().sentence
