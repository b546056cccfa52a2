"""A plan that another version of the bot made."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from steps.contract.step import Context, Done, Outcome
from tests.unit.bot.workbench import Build


def say_done(_ctx: Context) -> Outcome:
    """A step that is done at once."""
    return Done("seen")


def test_a_plan_with_an_unknown_step_is_blocked(build: Build) -> None:
    """An upgrade started by another version is not guessed at."""
    engine = build({"prepare/a": say_done})
    engine.add_upgrade(["prepare/gone"])
    engine.runner.turn()
    assert engine.row().sentence == "this version of the bot has no step prepare/gone, which the upgrade's plan names"


def test_nothing_is_begun_of_a_plan_whose_later_steps_are_unknown(build: Build) -> None:
    """An older bot would apply, and then not know how to go on; what lies behind needs nobody any more."""
    begun: list[str] = []

    def act(_ctx: Context) -> Outcome:
        begun.append("act")
        return Done("acted")

    engine = build({"control-plane/apply": act, "finish/report": act})
    row = engine.add_upgrade(["control-plane/apply", "validate/gone", "finish/report"])
    engine.runner.turn()
    assert (engine.row().state, begun) == ("blocked", [])
    assert "no step validate/gone" in engine.row().sentence
    engine.journal.change_upgrade(row.id, state="running", step="finish/report", due=engine.clock.now())
    engine.runner.turn()
    assert (engine.row().state, begun) == ("upgraded", ["act"])


@dataclass(frozen=True)
class Running:
    """Gateways of a cluster on which programs run."""

    names: tuple[str, ...]

    @property
    def mesh_tools(self) -> Running:
        """The programs."""
        return self

    def list_running(self, upgrade_id: str) -> tuple[str, ...]:
        """Those of the upgrade."""
        return tuple(name for name in self.names if name.startswith(upgrade_id))


@pytest.mark.parametrize("plan", [["control-plane/gone"], ["control-plane/apply", "validate/gone"]])
def test_a_program_that_runs_is_told_where_the_plan_is_unknown(build: Build, plan: list[str]) -> None:
    """Whoever updated the bot in the middle of an apply is not told that nothing happens."""
    engine = build({"control-plane/apply": say_done}, ports=Running(("cluster-x-1-apply-1", "cluster-y-1-apply-1")))
    engine.add_upgrade(plan)
    engine.runner.turn()
    assert engine.row().sentence == (
        f"this version of the bot has no step {plan[-1]}, which the upgrade's plan names; "
        "cluster-x-1-apply-1, which was started before, still runs and is let end"
    )
