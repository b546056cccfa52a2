"""An upgrade that has to keep to times: it begins under some downtime, time passes, and what it said is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time

from bot.windows.downtime import Downtime, Window
from steps.contract.cards import Card
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from steps.mesh import Binding
from tests.unit.bot.engine.test_deeds import Places
from tests.unit.bot.workbench import START, Build, Engine

DAILY = tuple(range(7))
# The tests begin at 02:00 UTC.
NIGHTS = Downtime((Window(DAILY, time(22), time(4), "UTC"),))
DAYS = Downtime((Window(DAILY, time(8), time(16), "UTC"),))


def ask(ctx: Context) -> Outcome:
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


def write(ctx: Context, says: str) -> Outcome:
    """Change the cluster and wait."""
    ctx.kubernetes.create_binding(Binding("one", "role", ()))
    return Waiting(says, 5)


def begin(build: Build, downtime: Downtime, **steps: Callable[[Context], Outcome]) -> Engine:
    """An upgrade whose plan is the steps given, `phase__name` for `phase/name`."""
    table: Mapping[str, Callable[[Context], Outcome]] = {
        name.replace("__", "/").replace("_", "-"): run for name, run in steps.items()
    }
    engine = build(
        {**table, "abort/revoke": lambda _c: Done(""), "abort/report": lambda _c: Done("over")},
        downtime=downtime,
        ports=Places(),
    )
    engine.add_upgrade(list(table))
    engine.runner.turn()
    return engine


def pass_to(engine: Engine, hour: int, day: int = 1) -> None:
    engine.clock.time = datetime(2026, 12, day, hour, tzinfo=START.tzinfo)
    engine.reminders.tick()
    engine.runner.turn()


def said(engine: Engine) -> list[str]:
    return [str(body["sentence"]) for body in engine.bodies("milestone")]
