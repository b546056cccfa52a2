"""No regular expression of the bot takes the square of a text's length."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.house.sources import list_nodes, parse_source, write_name

parse: Any = __import__("re._parser", fromlist=["parse"])
ROOT = Path(__file__).parents[3]
FOLDERS = ("bot", "handlers", "steps")
CALLS = tuple(
    f"re.{name}" for name in ("compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer")
)
# Made of other texts: a prefix of ours, ids of settings, and the line of a leaf (held by the test of its own below).
MADE = {
    "bot/settings/people_fields.py": 1,
    "bot/settings/projects.py": 1,
    "bot/gateways/programs/kubectl_seam/guard.py": 1,
    "handlers/approvals.py": 1,
    "steps/contract/record.py": 1,
}
SMALL, LARGE = 3_000, 12_000
# Below this nobody waits; a pattern that takes the square of 12,000 characters takes several times as long.
WORTH_A_LOOK = 0.012
# Twice the length takes twice the time where it is linear, four times where it isn't.
MOST_GROWTH = 3.0


@dataclass(frozen=True)
class Written:
    """A regular expression as it stands in a module."""

    where: str
    pattern: str | bytes
    flags: int


def list_modules() -> list[str]:
    """The modules of the bot that have patterns; every worker looks for them, so that none is parsed yet."""
    found = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))
    return [path.relative_to(ROOT).as_posix() for path in found if "import re\n" in path.read_text(encoding="utf-8")]


def list_calls(module: str) -> Iterator[ast.Call]:
    """Every call of `re` in a module."""
    for node in list_nodes(parse_source(ROOT / module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and write_name(node.func) in CALLS:
            yield node


def list_patterns(module: str) -> list[Written]:
    """Those that are written down as they are."""
    return [
        Written(f"{module}:{call.lineno}", call.args[0].value, _read_flags(call))
        for call in list_calls(module)
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str | bytes)
    ]


def _read_flags(call: ast.Call) -> int:
    names = re.findall(r"re\.([A-Z]+)\b", " ".join(ast.unparse(one) for one in [*call.args[1:], *call.keywords]))
    return int(sum(getattr(re, name) for name in set(names)))


def list_samples(pattern: str | bytes, flags: int) -> list[str]:
    """Beginnings of texts that it matches: what a hostile text is made of."""
    tree = parse.parse(pattern if isinstance(pattern, str) else pattern.decode(), flags)
    return sorted({beginning for sample in _write(list(tree), tree) for beginning in _cut(sample)})


def _cut(sample: str) -> Iterator[str]:
    yield from (sample[:length] for length in range(1, min(len(sample), 60) + 1))


def _write(items: list[Any], tree: Any) -> list[str]:
    """A few texts that the items match, with each repeat taken a little and each branch taken once."""
    texts = [""]
    for name, what in items:
        texts = [text + more for text in texts for more in _write_item(str(name), what, tree)][:12]
    return texts


def _write_item(name: str, what: Any, tree: Any) -> list[str]:
    match name:
        case "LITERAL":
            return [chr(what)]
        case "NOT_LITERAL":
            return ["a" if what != ord("a") else "b"]
        case "ANY":
            return ["a"]
        case "IN":
            return _choose(what)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inner = what
            return [text * max(low, min(high, 2)) for text in _write(list(inner), tree)] + [""] * (low == 0)
        case "SUBPATTERN":
            return _write(list(what[3]), tree)
        case "ATOMIC_GROUP":
            return _write(list(what), tree)
        case "BRANCH":
            return [text for branch in what[1] for text in _write(list(branch), tree)[:2]]
        case _:
            return [""]


def _choose(what: Any) -> list[str]:
    shown = re.compile("[" + "".join(map(_show, what)) + "]")
    return [letter for letter in "a1 .A-=x\n" if shown.match(letter)][:2] or ["~"]


def _show(part: Any) -> str:
    name, value = str(part[0]), part[1]
    match name:
        case "NEGATE":
            return "^"
        case "LITERAL":
            return re.escape(chr(value))
        case "RANGE":
            return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        case _:
            kind = str(value).removeprefix("CATEGORY_")
            letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[kind.removeprefix("NOT_")]
            return "\\" + (letter.upper() if kind.startswith("NOT_") else letter)


def write_hostile(sample: str, size: int) -> list[str]:
    """The sample again and again, and its last letter without end, neither of which it may match to the end."""
    return [(sample * (size // len(sample) + 1))[:size] + "\n!", sample + sample[-1] * size + "\n!"]


def take_time(found: re.Pattern[Any], text: str | bytes) -> float:
    """The processor's seconds for reading the text from its beginning to its end."""
    begun = time.thread_time()
    found.sub("" if isinstance(text, str) else b"", text)
    return time.thread_time() - begun


def find_growing(written: Written) -> Iterator[str]:
    """The samples on whose texts the pattern takes more than in proportion to their length."""
    found = re.compile(written.pattern, written.flags)
    for sample in list_samples(written.pattern, written.flags):
        yield from (sample[:40] for number in (0, 1) if _grows(found, sample, number))


def _grows(found: re.Pattern[Any], sample: str, number: int) -> bool:
    def measure(size: int) -> float:
        text = write_hostile(sample, size)[number]
        return take_time(found, text if isinstance(found.pattern, str) else text.encode())

    if measure(LARGE) < WORTH_A_LOOK:
        return False
    small, large = (min(measure(size) for _ in range(3)) for size in (SMALL, 2 * SMALL))
    return large > MOST_GROWTH * small


@pytest.mark.parametrize("module", list_modules())
def test_a_pattern_reads_in_proportion_to_the_text(module: str) -> None:
    """Also texts that were made for it."""
    assert {one.where: found for one in list_patterns(module) if (found := list(find_growing(one)))} == {}


def test_the_patterns_are_found() -> None:
    """Otherwise the test above would prove nothing."""
    assert len([one for module in list_modules() for one in list_patterns(module)]) > 140


@pytest.mark.parametrize("pattern", [r"<http:[^|>]*\|", r"a\s*\s*b", r"\d+\.\d+"])
def test_a_pattern_that_takes_the_square_is_found(pattern: str) -> None:
    """The forms that were in the bot before."""
    assert any(find_growing(Written("here", pattern, 0)))


def test_patterns_that_are_made_are_known() -> None:
    """A new one is looked at by itself."""
    made: dict[str, int] = {}
    for module in list_modules():
        for call in list_calls(module):
            if not isinstance(call.args[0], ast.Constant):
                made[module] = made.get(module, 0) + 1
    assert made == MADE
