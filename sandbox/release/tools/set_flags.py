"""istioctl 1.4's --set flags, with the traps of its parser (istio/operator 1.4.10, manifest-common.go)."""

from __future__ import annotations

import csv
import re
from typing import Any

Tree = dict[str, Any]

SEPARATOR = re.compile(r"(?<!\\)\.")


class BadFlag(ValueError):
    """A --set value that istioctl refuses; the text is istioctl's own."""


def split_flags(given: list[str]) -> list[str]:
    """Split each --set value at its commas, as a flag that takes a list does; quotes keep a comma."""
    return [part for value in given for row in csv.reader([value]) for part in row]


def tree_of_flags(given: list[str]) -> Tree:
    """Turn `a.b=c` flags into a tree, later flags winning. Raises BadFlag unless each has exactly one `=`."""
    tree: Tree = {}
    for flag in split_flags(given):
        parts = flag.split("=")
        if len(parts) != 2:
            raise BadFlag(f"bad argument {flag}: expect format key=value")
        _write(tree, _path(parts[0]), coerced(parts[1]))
    return tree


def coerced(text: str) -> int | float | bool | str:
    """Read a value as istioctl does: whole number, then number, then true or false, then text."""
    text = text.strip()
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text.strip("\"'"))


def merge_trees(base: Tree, over: Tree) -> Tree:
    """Return `base` with `over` laid on top, branch by branch; neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        here = merged.get(key)
        merged[key] = merge_trees(here, value) if isinstance(here, dict) and isinstance(value, dict) else value
    return merged


def _path(key: str) -> list[str]:
    return [part.replace("\\.", ".") for part in SEPARATOR.split(key.strip())]


def _write(tree: Tree, path: list[str], value: object) -> None:
    *branches, leaf = path
    for branch in branches:
        here = tree.setdefault(branch, {})
        if not isinstance(here, dict):
            raise BadFlag(f"bad path {'.'.join(path)}: {branch} is not a tree")
        tree = here
    tree[leaf] = value
