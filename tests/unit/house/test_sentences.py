"""What people read has no names that only the code knows, one arrow, one way to write a length of time, no markup."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.slack.drawing.text import write_plain
from steps.contract.wording import begin_sentence
from steps.plan import STEPS
from tests.unit.house.sources import list_nodes, list_sources, parse_source, write_name

# Ids that travel unseen: of blocks, of buttons, and what programs find at a message.
UNSEEN = re.compile(r'"(block_id|value|metadata|action_id|private_metadata)":.*')
GOLDENS = ("transcript.txt", "rollback.txt", "slack")
ROOMS = ("bot", "handlers", "steps")
# What stands before a sentence: signs, and a word in bold that says what it is.
FENCED = re.compile(r"```.*?```", re.DOTALL)
BEFORE = re.compile(r"^(?:[^\w<`*(“]*\s)?(?:\*[^*]+\*\s?)?")
ARROWS = re.compile(r"(?<![-=<!])[-=]+>|➜|➝|⇒|⟶")
UNIT = re.compile(r"^\s?(?:s|sec|seconds?|min|minutes?|h|hours?)\b(?![/'’])")
# Where lengths of time are written: one of them, a range of them, kubectl's own column, and as people type them.
WRITERS = frozenset(
    {
        "steps/contract/wording.py",
        "steps/workloads/estimate.py",
        "steps/workloads/control_plane.py",
        "bot/windows/appointments.py",
    }
)
STEP = re.compile(r"(?:step_id|\.step|step\.id)$")
# An upgrade of another version names what this one lacks; the others say what `verify` found in a table.
NAMING_STEPS = frozenset({"bot/engine/runner.py", "bot/journal/verifying.py"})
MARKUP = re.compile(r"<!date|<@|<#|<https?:|\|[^|]*>|&(?:lt|gt|amp);|```|(?<!\w)\*\w[^*\n]*\w\*(?!\w)")


def read_goldens(root: Path, name: str) -> dict[str, str]:
    """The files of what people see, without what travels unseen."""
    place = root / "tests" / "golden" / name
    files = sorted(place.glob("*")) if place.is_dir() else [place]
    return {file.name: UNSEEN.sub("", file.read_text(encoding="utf-8")) for file in files}


def list_trees(root: Path) -> list[tuple[str, ast.Module]]:
    """Every module whose sentences people may read."""
    return [(str(file.relative_to(root)), parse_source(file)) for file in list_sources(root, *ROOMS)]


def list_interpolations(tree: ast.Module) -> Iterator[tuple[ast.FormattedValue, str, str]]:
    """Each value put into a text, with what stands before and after it."""
    for node in list_nodes(tree):
        if isinstance(node, ast.JoinedStr):
            around = [part.value if isinstance(part, ast.Constant) else "" for part in node.values]
            for place, part in enumerate(node.values):
                if isinstance(part, ast.FormattedValue):
                    after = around[place + 1] if place + 1 < len(around) else ""
                    yield part, str(around[place - 1]) if place else "", str(after)


def list_prose(tree: ast.Module) -> Iterator[str]:
    """The texts of a module that are no docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in list_nodes(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in list_nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def list_shown(block: Any) -> Iterator[str]:
    """The texts of a message that stand for themselves, each from its beginning."""
    match block:
        case {"type": "section", "text": {"text": str(text)}}:
            yield text
        case {"type": "context", "elements": [*elements]}:
            yield from (element["text"] for element in elements if "text" in element)
        case {"type": "container", "child_blocks": [*children]}:
            yield from (text for child in children for text in list_shown(child))
        case _:
            return


@pytest.mark.parametrize("name", GOLDENS)
def test_no_golden_sentence_names_a_step_by_its_id(name: str, project_root: Path) -> None:
    """A phase has a name that people use."""
    seen = read_goldens(project_root, name)
    named = {(file, step) for file, text in seen.items() for step in STEPS if re.search(rf"\b{step}\b", text)}
    assert named == set()


def test_no_sentence_is_made_of_the_id_of_a_step(project_root: Path) -> None:
    """Wherever one is written: `name_phase` says what people call it. A text without a blank is no sentence."""
    found = {
        (file, ast.unparse(part.value))
        for file, tree in list_trees(project_root)
        for part, before, after in list_interpolations(tree)
        if STEP.search(write_name(part.value)) and " " in before + after and file not in NAMING_STEPS
    }
    assert found == set()


def test_a_length_of_time_is_written_in_one_place(project_root: Path) -> None:
    """`describe_seconds` rounds it to what is worth knowing; a number before a unit would be rounded by hand."""
    found = {
        (file, ast.unparse(part))
        for file, tree in list_trees(project_root)
        for part, _, after in list_interpolations(tree)
        if UNIT.match(after) and file not in WRITERS and not _is_exact(part)
    }
    assert found == set()


def _is_exact(part: ast.FormattedValue) -> bool:
    """The limit that a call has to the letter."""
    return part.format_spec is not None and ast.unparse(part.format_spec).strip("f'\"") == "g"


def test_there_is_one_arrow(project_root: Path) -> None:
    """In what the code says and in what people were seen to be shown."""
    said = {(file, text) for file, tree in list_trees(project_root) for text in list_prose(tree) if ARROWS.search(text)}
    shown = {file for name in GOLDENS for file, text in read_goldens(project_root, name).items() if ARROWS.search(text)}
    assert (said, shown) == (set(), set())


def test_a_sentence_begins_with_a_capital(project_root: Path) -> None:
    """Behind its sign, unless a name stands there."""
    folder = project_root / "tests" / "golden" / "slack"
    seen = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))}
    found = {
        (name, line)
        for name, golden in seen.items()
        for text in (
            golden.get("text", ""),
            *(text for block in golden.get("blocks", []) for text in list_shown(block)),
        )
        for line in FENCED.sub("", text).splitlines()
        if not line.startswith("…") and (rest := BEFORE.sub("", line)) != begin_sentence(rest)
    }
    assert found == set()


def test_a_refusal_begins_with_a_capital(project_root: Path) -> None:
    """Or with the name of a cluster, an upgrade or what was typed: it is answered as it is."""
    refused = {
        (file, str(part.value))
        for file, tree in list_trees(project_root)
        for call in list_nodes(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("Refusal", "Answer")
        for part in ast.walk(call.args[0] if call.args else call)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and _begins(call.args[0], part)
    }
    assert len(refused) > 20
    assert {(file, told) for file, told in refused if told != begin_sentence(told)} == set()


def _begins(said: ast.expr, part: ast.Constant) -> bool:
    """Whether a text begins what is said, in front of whatever is put into it."""
    return (said.lineno, said.col_offset) == (part.lineno, part.col_offset) or (
        isinstance(said, ast.JoinedStr) and said.values[0] is part
    )


@pytest.mark.parametrize("name", GOLDENS)
def test_a_terminal_shows_no_markup_of_slacks(name: str, project_root: Path) -> None:
    """Whatever was written for Slack can be read on a command line."""
    for golden in read_goldens(project_root, name).values():
        found = [line for line in golden.splitlines() if MARKUP.search(write_plain(_unquote(line)))]
        assert found == []


def _unquote(line: str) -> str:
    """A line of JSON as the text that it holds; what spans lines in Slack stands in one of them."""
    text = line.strip().rstrip(",")
    read = text.partition('": ')[2] or text
    return json.loads(read) if read.startswith('"') and read.endswith('"') and len(read) > 1 else line
