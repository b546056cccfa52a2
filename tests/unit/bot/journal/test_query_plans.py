"""What a query of the journal costs grows with what it finds, not with what ended years ago."""

from __future__ import annotations

import ast
import importlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.journal.packs.views import add_views
from bot.journal.store import Store
from tests.unit.bot.keys import KEY

# These write the journal anew once, or look through all of it because a person asked for that.
ONCE = ("migrations.py", "proofs.py", "chain.py", "verifying.py")
# A row, or some rows for what is open: there is nothing to search.
# A view is gone through after each of its tables was searched for what is asked of it.
SMALL = (
    "whole_",
    "identity",
    "presence",
    "webhooks",
    "holds",
    "json_each",
    "sqlite_master",
    "pragma_table_info",
    "ends",
    "constant row",
    "schedules",
)
VERB = re.compile(r"\s*(select\b.*\bfrom|update\s+\w+\s+set|delete\s+from)\s", re.DOTALL)


def list_queries(root: Path) -> Iterator[tuple[str, str]]:
    """Every statement in the code that looks for rows, with its module; those put together on the way are left out."""
    for path in sorted((root / "bot").rglob("*.py")):
        if path.name not in ONCE:
            module = ".".join(path.relative_to(root).with_suffix("").parts)
            for text in find_statements(ast.parse(path.read_text()), module):
                yield module, text


def find_statements(tree: ast.Module, module: str) -> Iterator[str]:
    """The texts of a module that are SQL, with its constants filled in."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in inner and VERB.match(text):
                yield text
            case ast.JoinedStr() if (text := join_text(node, module)) and VERB.match(text):
                yield text


def join_text(node: ast.JoinedStr, module: str) -> str:
    """An f-string with the module's constants; "" where another part of it varies."""
    parts = []
    for part in node.values:
        match part:
            case ast.Constant(value=str(text)):
                parts.append(text)
            case ast.FormattedValue(value=ast.Name(id=name)) if hasattr(importlib.import_module(module), name):
                parts.append(str(getattr(importlib.import_module(module), name)))
            case _:
                return ""
    return "".join(parts)


def explain(connection: sqlite3.Connection, text: str) -> list[str]:
    """What of the statement looks through a whole table or index."""
    names = dict.fromkeys(re.findall(r":(\w+)", text), 1)
    values = names or [1] * text.count("?")
    plan = [row[3] for row in connection.execute(f"explain query plan {text}", values)]
    return [line for line in plan if line.startswith("SCAN") and not any(name in line.lower() for name in SMALL)]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A journal of today's schema."""
    Store(tmp_path / "asm-upgrade.db", KEY).close()
    opened = sqlite3.connect(tmp_path / "asm-upgrade.db")
    add_views(opened)
    yield opened
    opened.close()


def test_no_query_looks_through_what_ended_long_ago(project_root: Path, connection: sqlite3.Connection) -> None:
    """Only what a limit or a partial index bounds is gone through."""
    found = {}
    for module, text in list_queries(project_root):
        scans = [line for line in explain(connection, text) if not is_bounded(connection, line, text)]
        if scans:
            found[f"{module}: {' '.join(text.split())}"] = scans
    assert found == {}


def test_the_queries_of_the_journal_are_found(project_root: Path) -> None:
    """Otherwise the test above would hold of nothing."""
    assert sum(module.startswith("bot.journal") for module, _ in list_queries(project_root)) > 40


def is_bounded(connection: sqlite3.Connection, line: str, text: str) -> bool:
    """Whether a scan is of an index that leaves most rows out, or ends at a limit in the order of an index."""
    if " INDEX " in line and text.endswith("limit ?"):
        return True
    name = line.rpartition(" INDEX ")[2] if " INDEX " in line else ""
    rows = connection.execute("select sql from sqlite_master where name = ?", [name]).fetchall()
    return bool(rows) and " where " in str(rows[0][0])
