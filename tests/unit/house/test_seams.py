"""What passes between steps and bot has one form each: notes by their note, people and commands as values."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

import steps
from steps.contract.notes import Note
from steps.contract.options import UpgradeOptions
from steps.plan import STEPS, PlanKind, build_plan, tell_kind
from tests.unit.house.sources import list_nodes, list_sources, parse_source, read_source, write_name

OF_SLACK = re.compile(r"<@|<#|<!|/asm-upgrade|\"(primary|danger)\"|\b[Ss]lack\b")


def list_keys() -> list[str]:
    """The keys of all notes, of whichever module of the steps."""
    names = (found.name for found in pkgutil.walk_packages(steps.__path__, "steps."))
    kept = {id(note): note for name in names for note in vars(importlib.import_module(name)).values()}
    return [note.key for note in kept.values() if isinstance(note, Note)]


def test_each_note_has_a_key_of_its_own() -> None:
    """Two notes under one key would read each other's values."""
    keys = list_keys()
    assert len(keys) > 30
    assert sorted(keys) == sorted(set(keys))


def test_notes_are_read_by_their_note(project_root: Path) -> None:
    """No key stands anywhere but where its note is declared; two are the ids of steps as well."""
    quoted = {f'"{key}"' for key in list_keys() if key not in STEPS}
    sources = list_sources(project_root, "bot", "handlers", "steps")
    found = {
        f"{path.relative_to(project_root)}: {key}"
        for path in sources
        for line in read_source(path).splitlines()
        if " = Note(" not in line
        for key in quoted
        if key in line
    }
    assert found == set()


def test_steps_know_nothing_of_slack(project_root: Path) -> None:
    """Neither how it writes a person or a command, nor how it draws a button."""
    found = [
        str(path.relative_to(project_root))
        for path in list_sources(project_root, "steps")
        if OF_SLACK.search(read_source(path))
    ]
    assert found == []


def find_places(root: Path, pattern: str) -> set[str]:
    """The modules of the bot and the steps in which a pattern stands."""
    found = list_sources(root, "bot", "handlers", "steps")
    return {str(path.relative_to(root)) for path in found if re.search(pattern, read_source(path))}


def test_the_audit_is_appended_to_in_one_place(project_root: Path) -> None:
    """Each row is sealed with the one before it."""
    assert find_places(project_root, r"(?i)insert into audit\b") == {"bot/journal/journal.py"}


def test_a_pod_is_ready_by_its_condition(project_root: Path) -> None:
    """Its containers are counted only to say why a pod that is not in service isn't."""
    explaining = {"steps/workloads/stalls.py", "steps/phases/sidecars/flights/recording.py"}
    assert find_places(project_root, r"pod\.ready\s*[<>=!]|\.ready\s*[<>=!]+\s*\w+\.total") == explaining
    assert find_places(project_root, r"has_condition\(status, \"Ready\"\)") == {"bot/gateways/kubernetes/pods.py"}


def find_functions(root: Path, seen: Callable[[ast.AST], bool]) -> set[str]:
    """The functions of the bot and the steps in which something stands, by module and name."""
    found = set()
    for path in list_sources(root, "bot", "handlers", "steps"):
        for built in list_nodes(parse_source(path)):
            if isinstance(built, ast.FunctionDef) and any(map(seen, list_nodes(built))):
                found.add(f"{path.relative_to(root)}::{built.name}")
    return found


def calls(name: str) -> Callable[[ast.AST], bool]:
    """Whether a node calls a function, or a method, of this name."""

    def seen(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and write_name(node.func).endswith(name)

    return seen


def test_one_function_appends_to_the_audit(project_root: Path) -> None:
    """Whoever tells the audit something does it through this one, in the transaction at hand."""
    found = find_functions(
        project_root, lambda node: isinstance(node, ast.Constant) and "into audit" in str(node.value)
    )
    assert found == {"bot/journal/journal.py::append"}


def test_one_function_judges_a_decision(project_root: Path) -> None:
    """Button, form, code and command line alike come to it, and nothing is decided without it."""
    assert find_functions(project_root, calls("judge_decision")) == {"bot/orders/decisions.py::decide"}
    assert find_functions(project_root, calls("_transitions.decide")) == {"bot/orders/decisions.py::_take"}
    takers = {place for place in find_functions(project_root, calls("._take")) if place.startswith("bot/orders/")}
    assert takers == {"bot/orders/decisions.py::decide"}


def test_every_plan_is_built_by_its_kind(project_root: Path) -> None:
    """Nobody else puts steps in order; an abort keeps what was begun and adds its own."""
    builders = {"bot/orders/starts.py::_add_upgrade", "bot/returns.py::build_return", "bot/transitions.py::_end_by"}
    assert find_functions(project_root, calls("build_plan")) == builders
    orders = r"from steps\.plan import [^\n]*\b(ORDER|WAY_BACK)\b"
    assert find_places(project_root, orders) == set()


def test_every_kind_of_plan_is_told_by_its_steps() -> None:
    """Each has steps that are known, none of them twice, and an end by which its kind is told."""
    for kind in get_args(PlanKind):
        plan = build_plan(kind, UpgradeOptions())
        assert (plan != (), len(plan) == len(set(plan)), set(plan) <= STEPS.keys(), tell_kind(plan)) == (
            True,
            True,
            True,
            kind,
        )


def name_parts(node: ast.AST) -> Iterator[str]:
    """The parts of a binding that are read or written by a text of their own instead of their name in `steps.gates`."""
    match node:
        case ast.Subscript(value=held, slice=ast.Constant(value=str(key))) if is_binding(held):
            yield key
        case ast.Call(func=ast.Attribute(value=held, attr="get"), args=[ast.Constant(value=str(key)), *_]) if (
            is_binding(held)
        ):
            yield key
        case ast.Compare(left=ast.Constant(value=str(key)), comparators=[held]) if is_binding(held):
            yield key
        case ast.Dict(keys=keys, values=values) if any(
            key is None and is_bound(value) for key, value in zip(keys, values, strict=True)
        ):
            yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))


def is_binding(node: ast.AST) -> bool:
    return re.search(r"\bbinding$", write_name(node)) is not None


def is_bound(node: ast.AST) -> bool:
    return is_binding(node) or write_name(node).startswith("bind_")


def test_one_place_names_what_a_gate_binds(project_root: Path) -> None:
    """What an approval holds for is stored by these names, and read by the bots that come after."""
    found = {
        f"{path.relative_to(project_root)}: {part}"
        for path in list_sources(project_root, "bot", "handlers", "steps")
        if path != project_root / "steps" / "gates.py"
        for node in list_nodes(parse_source(path))
        for part in name_parts(node)
    }
    assert found == set()


@pytest.mark.parametrize(
    "code",
    [
        "decision.binding['wave']",
        "question.binding.get('mTLS')",
        "'left' in binding",
        "x = {**bind_upgrade(ctx, identity), 'more': 1}",
        "x = {**ask.binding, 'through': bound}",
    ],
)
def test_a_part_that_is_named_elsewhere_is_seen(code: str) -> None:
    """However it is read or written."""
    assert [part for node in ast.walk(ast.parse(code)) for part in name_parts(node)]
