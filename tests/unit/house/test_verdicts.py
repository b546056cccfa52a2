"""One table a vendor, from what went wrong to what the bot makes of it: try again, give up, stop."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.house.sources import list_nodes, list_sources, parse_source, write_name

VERDICTS = {
    "TryAgain",
    "GiveUp",
    "StoreBroken",
    "JournalDamaged",
    "BadSignature",
    "Answered",
    "TooFast",
    "Refused",
    "Unclear",
}
GOOGLE, SLACK = "bot/gateways/google/verdicts.py", "bot/slack/api/answers.py"
KUBERNETES, PROGRAMS = "bot/gateways/kubernetes/verdicts.py", "bot/gateways/programs/short_programs.py"
# By the library whose exceptions tell what went wrong: Google and Slack's files are both asked by way of requests.
TABLES: dict[str, tuple[str, ...]] = {
    "cryptography": ("bot/gateways/releases/signatures.py",),
    "google": (GOOGLE,),
    "httpx": ("bot/gateways/calls/web_faults.py",),
    "kubernetes": (KUBERNETES,),
    "requests": (GOOGLE, SLACK),
    "slack_sdk": (SLACK,),
    "sqlite3": ("bot/journal/store.py",),
    "subprocess": (PROGRAMS,),
    "tarfile": ("bot/gateways/releases/unpacking.py",),
    "urllib3": (KUBERNETES,),
    "zipfile": ("bot/gateways/releases/unpacking.py",),
}
# What an HTTP answer's status is called where it is looked at.
STATUS = {"status", "status_code", "code"}
LOWEST_REFUSAL = 400


def read_imports(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for, wherever in the module it is imported."""
    names: dict[str, str] = {}
    for node in list_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {(alias.asname or alias.name).partition(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def find_vendors(node: ast.AST | None, names: dict[str, str]) -> set[str]:
    """The vendors whose exceptions an expression or a pattern names."""
    told = (names.get(part.id, "") for part in list_nodes(node) if isinstance(part, ast.Name)) if node else ()
    return {name.partition(".")[0] for name in told} & TABLES.keys()


def makes_verdict(node: ast.AST) -> bool:
    return any(
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in VERDICTS
        for call in list_nodes(node)
    )


def is_on_status(node: ast.AST) -> bool:
    """Whether it compares an HTTP status with one of those that refuse."""
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    named = {side.id if isinstance(side, ast.Name) else getattr(side, "attr", "") for side in sides}
    numbers = [part.value for part in list_nodes(node) if isinstance(part, ast.Constant)]
    return bool(named & STATUS) and any(isinstance(one, int) and one >= LOWEST_REFUSAL for one in numbers)


def judge_code(place: str, tree: ast.AST) -> Iterator[str]:
    """Where a module makes of a vendor's exception, or of a status, what the vendor's table should."""
    names = read_imports(tree)
    for node in list_nodes(tree):
        vendors: set[str] = set()
        if isinstance(node, ast.ExceptHandler) and makes_verdict(node):
            vendors = find_vendors(node.type, names)
        elif isinstance(node, ast.match_case) and makes_verdict(node):
            vendors = find_vendors(node.pattern, names)
        elif isinstance(node, ast.If) and write_name(node.test).startswith("isinstance(") and makes_verdict(node):
            vendors = find_vendors(node.test, names)
        elif isinstance(node, ast.If) and any(is_on_status(part) for part in list_nodes(node.test)):
            vendors = {"status"} if any(makes_verdict(line) for line in node.body) else set()
        for vendor in vendors:
            if place not in TABLES.get(vendor, (*sum(TABLES.values(), ()), "bot/gateways/calls/faults.py")):
                yield f"{place}:{getattr(node, 'lineno', 0)} {vendor}"


def test_a_vendors_faults_are_judged_in_its_table(project_root: Path) -> None:
    """The same fault gets the same verdict and the same remedy, whichever call it met."""
    found = [
        fault
        for path in list_sources(project_root, "bot")
        for fault in judge_code(path.relative_to(project_root).as_posix(), parse_source(path))
    ]
    assert found == []


@pytest.mark.parametrize("vendor", TABLES)
def test_a_vendors_table_knows_its_faults(project_root: Path, vendor: str) -> None:
    """No table stands for a vendor that it doesn't know."""
    for place in TABLES[vendor]:
        tree = parse_source(project_root / place)
        assert makes_verdict(tree)


@pytest.mark.parametrize(
    "code",
    [
        "import httpx\ntry:\n    ask()\nexcept httpx.HTTPError as error:\n    raise TryAgain('x') from error",
        "def f():\n    from google.auth import exceptions\n    try:\n        ask()\n"
        "    except (OSError, exceptions.RefreshError):\n        return GiveUp('x', 'y')",
        "import sqlite3\ntry:\n    ask()\nexcept sqlite3.Error as error:\n    raise StoreBroken('x') from error",
        "from urllib3 import exceptions\nmatch error:\n    case exceptions.TimeoutError():\n        TryAgain('x')",
        "if answer.status_code == 503:\n    raise TryAgain('x')",
        "if 400 <= status < 500 and status not in PASSING:\n    verdict = Refused('x')",
    ],
)
def test_a_verdict_beside_the_table_is_seen(code: str) -> None:
    """By the exception's library, and by the status."""
    assert list(judge_code("bot/app/other.py", ast.parse(code)))
