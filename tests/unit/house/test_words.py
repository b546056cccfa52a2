"""One word one thing: what a public name stands for does not depend on where it is read."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.unit.house.sources import list_sources, parse_source

PACKAGES = ("bot", "handlers", "steps")
# Steps, by the last word of their ids, and the beginnings of programs.
NAMED_BY_THEIR_PLACE = frozenset({"apply", "approve", "report", "verify", "main"})
# The words that the sandbox, which imports nothing of the bot, uses too: for its side of the same thing, or as Slack,
# Kubernetes and kubectl have it. No other is to join them.
MIRRORED = frozenset({
    "Access", "Answer", "ApiServer", "Asked", "Attachment", "Bucket", "Call", "Claims", "Click",
    "Connection", "Control", "Controller", "Delivery", "Held", "Injector", "Key", "Kind", "Kubectl",
    "Lines", "Method", "Orphans", "Outcome", "Pace", "Page", "Payload", "Person", "Policy",
    "Quota", "Recorder", "Refusal", "Refused", "Resource", "Resources", "Review", "Room", "Schedule",
    "Slice", "Store", "Target", "User", "Verdict",
})  # fmt: skip


def list_types(tree: ast.Module) -> Iterator[str]:
    """The public classes of a module and the aliases that it declares."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            yield ast.unparse(node.target)


def find_types(root: Path, *packages: str) -> dict[str, list[str]]:
    """Where each public type is defined."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in list_sources(root, *packages):
        for name in list_types(parse_source(path)):
            if not name.startswith("_"):
                found[name].append(str(path.relative_to(root)))
    return found


def test_no_type_has_the_name_of_another(project_root: Path) -> None:
    """Whoever reads `Standing` knows which one."""
    assert {name: places for name, places in find_types(project_root, *PACKAGES).items() if len(places) > 1} == {}


def test_the_sandbox_takes_no_name_by_chance(project_root: Path) -> None:
    """What both call the same is on the list."""
    shared = find_types(project_root, *PACKAGES).keys() & find_types(project_root, "sandbox").keys()
    assert sorted(shared ^ MIRRORED) == []


def find_functions(root: Path, *packages: str) -> dict[str, list[str]]:
    """Where each public function of a module is defined."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in list_sources(root, *packages):
        for node in parse_source(path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(root)))
    return found


def test_no_function_has_the_name_of_another(project_root: Path) -> None:
    """But for what steps are called in their phases, and what programs begin with."""
    shared = {name: places for name, places in find_functions(project_root, *PACKAGES).items() if len(places) > 1}
    assert {name: places for name, places in shared.items() if name not in NAMED_BY_THEIR_PLACE} == {}
