"""The project's modules as they are written, each read, parsed and walked once for all tests of the house."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def list_sources(root: Path, *folders: str) -> tuple[Path, ...]:
    """The Python modules of these folders, in order."""
    return tuple(path for folder in folders for path in sorted((root / folder).rglob("*.py")))


@cache
def read_source(path: Path) -> str:
    """What a module says."""
    return path.read_text(encoding="utf-8")


@cache
def parse_source(path: Path) -> ast.Module:
    """A module as a tree, which nobody may change."""
    return ast.parse(read_source(path))


@cache
def list_nodes(node: ast.AST) -> tuple[ast.AST, ...]:
    """A node and all below it, as `ast.walk` finds them."""
    return tuple(ast.walk(node))


@cache
def write_name(node: ast.AST) -> str:
    """What `ast.unparse` says; a name with dots, as nearly everything asked for is, in a tenth of the time."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name() | ast.Attribute() as held, attr=name):
            return f"{write_name(held)}.{name}"
        case _:
            return ast.unparse(node)


def forget_sources() -> None:
    """Drop them all: the trees of the whole project take room, and time from whoever looks for garbage."""
    for kept in (list_sources, read_source, parse_source, list_nodes, write_name):
        kept.cache_clear()
