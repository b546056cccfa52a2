"""A clock that a test moves never runs ahead of what happens in real time: child programs, listeners, threads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.house.sources import list_nodes, list_sources, parse_source, write_name

# Who imports these has something beside the clock that only real time brings on.
REAL = (
    "asyncio",
    "bot.discovery",
    "bot.gateways.programs",
    "concurrent.futures",
    "multiprocessing",
    "sandbox.web.sites",
    "subprocess",
    "tests.children",
    "tests.journals",
    "tests.scenarios",
    "threading",
)
INLINE = "the cluster lives in the turn itself, in the thread of the test"
SENDING = "it sends and ticks by itself: no program and no listener works beside it"
# The functions that move such a clock in a loop themselves; all others leave it to `Rig.pass_time`.
STATED = {
    "tests/scenarios/rig.py::command": "each look waits for the answer in real time as well",
    "tests/scenarios/test_reminder_kills.py::live": SENDING,
    "tests/scenarios/test_reminder_kills.py::live_until": SENDING,
    "tests/scenarios/test_rollback_steps.py::speak": SENDING,
    "tests/unit/bot/gateways/kubernetes/test_simulated_cluster.py::advance": INLINE,
    "tests/unit/bot/slack/sending/test_home_tabs.py::watch": SENDING,
    "tests/unit/steps/phases/lease/test_holding.py::test_an_account_that_lost_the_right_goes_on": INLINE,
    "tests/unit/steps/phases/lease/test_holding.py::test_it_is_renewed_by_one_request_in_half_a_minute": INLINE,
    "tests/unit/steps/phases/sidecars/simulated_mesh.py::tick": INLINE,
    "tests/unit/steps/phases/sidecars/simulated_mesh.py::_advance": INLINE,
}


def has_real_work(tree: ast.Module) -> bool:
    """Whether a module works with what only real time brings on."""
    nodes = list_nodes(tree)
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return any(name == one or name.startswith(f"{one}.") for name in names for one in REAL)


def moves_clock(node: ast.AST) -> bool:
    """Whether it sets a clock, or moves it on."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "advance"
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    return any("clock." in write_name(target) for target in targets)


def find_runners(place: str, tree: ast.Module) -> Iterator[str]:
    """The functions that move a clock in a loop beside what happens in real time."""
    if not has_real_work(tree):
        return
    for built in list_nodes(tree):
        if not isinstance(built, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        loops = (node for node in list_nodes(built) if isinstance(node, ast.For | ast.While | ast.AsyncFor))
        if any(moves_clock(node) for loop in loops for node in list_nodes(loop)):
            yield f"{place}::{built.name}"


def test_no_clock_is_moved_in_hope(project_root: Path) -> None:
    """A loop that moves the clock until a thread or a program is done depends on how busy the machine is."""
    found: set[str] = set()
    for path in list_sources(project_root, "tests"):
        place = path.relative_to(project_root).as_posix()
        if not place.startswith("tests/bench/"):
            found |= set(find_runners(place, parse_source(path)))
    assert found == STATED.keys()


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("import threading\ndef f():\n    while not done:\n        rig.turn()\n        clock.advance(1)", True),
        ("from tests.scenarios.rig import Rig\ndef f():\n    for _ in range(9):\n        rig.clock.time += HOUR", True),
        ("import subprocess\ndef f():\n    while not done:\n        rig.pass_time(rig.turn())", False),
        ("import subprocess\ndef f():\n    clock.advance(1)", False),
        ("def f():\n    while not done:\n        clock.advance(1)", False),
    ],
)
def test_a_clock_that_is_moved_in_hope_is_seen(code: str, seen: bool) -> None:
    """By the loop, and by what else works in the module."""
    assert bool(list(find_runners("tests/x.py", ast.parse(code)))) is seen
