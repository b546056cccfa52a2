"""istioctl 1.4's --set flags, with the traps of its parser (istio/operator 1.4.10, manifest-common.go)."""

from __future__ import annotations

import csv
import posixpath
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Tree = dict[str, Any]

WHOLE = re.compile(r"[+-]?\d+")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)|nan", re.IGNORECASE)
TRUTHS = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True)
LIES = dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False)


class BadFlag(ValueError):
    """A --set value that istioctl refuses; the text is istioctl's own. `hint` is what it writes before it."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


def split_flags(given: list[str]) -> list[str]:
    """Split each --set value at its commas, as a flag that takes a list does; quotes keep a comma."""
    return [part for value in given for row in csv.reader([value]) for part in row]


def tree_of_flags(given: list[str]) -> Tree:
    """Turn `a.b=c` flags into a tree, later flags winning. Raises BadFlag unless each has exactly one `=`."""
    tree: Tree = {}
    for flag in split_flags(given):
        write_flag(tree, flag)
    return tree


def write_flag(tree: Tree, flag: str) -> None:
    """Put one flag into a tree. Raises BadFlag."""
    parts = flag.split("=")
    if len(parts) != 2:
        raise BadFlag(f"bad argument {flag}: expect format key=value")
    path = path_of_key(parts[0])
    if not path:
        raise BadFlag(f"bad path=value: {flag}")
    *branches, leaf = path
    for branch in branches:
        here = tree.setdefault(branch, {})
        if not isinstance(here, dict):
            raise BadFlag(f"bad path=value: {flag}")
        tree = here
    tree[leaf] = coerced(parts[1])


def path_of_key(key: str) -> list[str]:
    """Read a key as istioctl does: cleaned like the path of a file, then cut at its dots, empty parts dropped."""
    cleaned = posixpath.normpath(key).removeprefix(".").removesuffix(".")
    return [part for part in cleaned.split(".") if part]


def coerced(text: str) -> int | float | bool | str:
    """Read a value as istioctl does: whole number, then number, then true or false, then text."""
    if WHOLE.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text):
        return float(text)
    return (TRUTHS | LIES).get(text, text)


def merge_trees(base: Tree, over: Tree) -> Tree:
    """Return `base` with `over` laid on top, branch by branch; neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        here = merged.get(key)
        merged[key] = merge_trees(here, value) if isinstance(here, dict) and isinstance(value, dict) else value
    return merged
