"""Weathers begin and end by name, over HTTP and by the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from bot.app.cli import main
from tests.unit.sandbox.cluster.conftest import ServedYard
from tests.unit.sandbox.cluster.test_control import control
from tests.unit.sandbox.cluster.yard import budget, make_yard

RELEASES = Path(__file__).parents[5] / "steps" / "releases"


def test_a_weather_begins_and_ends_over_http(served: ServedYard) -> None:
    """GET lists, POST begins with fields, DELETE ends."""
    _, told = control(served, "POST", "weather", {"name": "lost-requests", "percent": 50.0})
    assert told["in_force"] == [{"name": "lost-requests", "percent": 50.0, "status": 503}]
    assert control(served, "GET", "weather")[1] == told
    assert len(served.yard.cluster.faults.requests) == 1
    assert control(served, "DELETE", "weather", {"name": "lost-requests"})[1]["in_force"] == []
    assert served.yard.cluster.faults.requests == []


def test_an_unknown_weather_is_answered_with_those_there_are(served: ServedYard) -> None:
    """So are a field that it does not have, and a value of another type."""
    asked = [
        ({"name": "hail"}, "there is no weather 'hail'; there are "),
        ({"name": "quota", "cpu": 1}, "weather quota has no field 'cpu'; there are namespace, pods"),
        ({"name": "injector-down", "cpu": 1}, "weather injector-down has no field 'cpu'; it has none"),
        ({"name": "quota", "pods": "many"}, "Expected `int`"),
        ({"name": "stuck-budget", "budget": "none"}, '"none" not found'),
    ]
    answers = [control(served, "POST", "weather", body) for body, _ in asked]
    assert [status for status, _ in answers] == [400, 400, 400, 400, 404]
    assert all(words in answer["error"] for (_, words), (_, answer) in zip(asked, answers, strict=True))
    assert control(served, "GET", "weather")[1]["in_force"] == []


def test_beginning_twice_is_beginning_once() -> None:
    """The end takes it all back; another place of the same kind is one more."""
    yard = make_yard()
    yard.create(budget("one", maxUnavailable=1), budget("two", maxUnavailable=1))
    for name in ("one", "one", "two"):
        yard.cluster.sky.begin("stuck-budget", {"budget": name})
    assert len(yard.cluster.sky.show()["in_force"]) == 2
    yard.cluster.sky.end()
    assert yard.cluster.loops.budgets.stuck == set()


def test_the_command_line_prints_the_table() -> None:
    """`--weather list` starts nothing."""
    ended = CliRunner().invoke(main, ["sandbox", "--weather", "list"])
    assert (ended.exit_code, "stuck-budget" in ended.output) == (0, True)


def test_the_command_line_refuses_an_unknown_name() -> None:
    """Before anything is served."""
    command = [sys.executable, "-m", "sandbox", "--releases", str(RELEASES), "--no-bot", "--weather", "hail"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, "there is no weather 'hail'; there are" in ended.stdout) == (1, True)
