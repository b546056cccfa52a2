"""The documents name what is there, and draw the house as it is."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOTS = r"(?:bot|handlers|steps|sandbox|tests|docs|manifests|\.ci|\.github)"
PATH = re.compile(rf"`({ROOTS}/[\w./-]*)(?:::([\w.]+))?`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")
# A path with a word in capitals stands for many.
PLACEHOLDER = re.compile(r"/[A-Z]+\b")


def list_documents(root: Path) -> list[Path]:
    found = (*root.glob("*.md"), *root.glob("docs/*.md"), root / "sandbox" / "README.md")
    return sorted(path for path in found if path.name != "CHANGELOG.md")


def list_named(root: Path) -> Iterator[tuple[str, str, str]]:
    """Document, path and, where one is named, the function or class in it."""
    for document in list_documents(root):
        for path, name in PATH.findall(document.read_text()):
            yield str(document.relative_to(root)), path, name


def is_there(root: Path, path: str, name: str) -> bool:
    found = root / path
    if not name:
        return bool(PLACEHOLDER.search(path)) or found.exists()
    return found.is_file() and bool(re.search(rf"(?:def|class) {name}\b", found.read_text()))


def test_every_path_that_a_document_names_is_there(project_root: Path) -> None:
    """A moved module takes its mention along, a renamed function too."""
    named = list(list_named(project_root))
    assert len(named) > 100
    assert [entry for entry in named if not is_there(project_root, *entry[1:])] == []


def test_every_link_leads_somewhere(project_root: Path) -> None:
    """Documents link to one another and to the code."""
    broken = [
        f"{document.name}: {target}"
        for document in list_documents(project_root)
        for target in LINK.findall(document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []


def read_layers(root: Path, container: str) -> list[set[str]]:
    """The layers that import-linter holds in a package, highest first."""
    contracts: list[dict[str, Any]] = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract.get("containers") == [container])
    return [set(re.split(r" [|:] ", layer)) for layer in layers]


def read_drawing(root: Path, heading: str) -> list[set[str]]:
    """The chain of rooms that the drawing under a heading shows, highest first."""
    text = (root / "docs" / "architecture.md").read_text().partition(f"### {heading}\n")[2]
    drawing = text.partition("```mermaid\n")[2].partition("```")[0]
    (chain,) = [line for line in drawing.splitlines() if "-->" in line]
    labels = dict(re.findall(r'^  (\w+)\["([\w.]+)', drawing, re.MULTILINE))
    return [{labels.get(room, room) for room in row.split(" & ")} for row in chain.strip().split(" --> ")]


@pytest.mark.parametrize(("heading", "package"), [("The steps", "steps"), ("The sandbox", "sandbox")])
def test_the_drawings_are_the_contracts(project_root: Path, heading: str, package: str) -> None:
    """What a newcomer sees is what import-linter holds."""
    assert read_drawing(project_root, heading) == read_layers(project_root, package)


def test_the_drawing_of_the_bot_is_its_contract(project_root: Path) -> None:
    """The same, with the listeners below the application and the steps below everything."""
    app, *rooms = read_layers(project_root, "bot")
    assert read_drawing(project_root, "The bot and its listeners") == [app, {"handlers"}, *rooms, {"steps"}]


def test_every_part_of_the_sandbox_says_what_it_imitates(project_root: Path) -> None:
    """sandbox/README.md has a line for each room."""
    told = (project_root / "sandbox" / "README.md").read_text()
    rooms = [path.parent.name for path in (project_root / "sandbox").glob("*/__init__.py")]
    assert [room for room in sorted(rooms) if f"`{room}/`" not in told] == []


def test_nothing_is_said_twice(project_root: Path) -> None:
    """Two versions of one paragraph, as joined branches leave them: one of them is no longer true."""
    found = [
        f"{document.name}: {beginning}"
        for document in [*list_documents(project_root), project_root / "CHANGELOG.md"]
        for beginning, times in Counter(line[:60] for line in list_unfenced(document)).items()
        if times > 1 and len(beginning) == 60 and not beginning.startswith(("|", "- `", "1. "))
    ]
    assert found == []


def list_written(root: Path) -> list[Path]:
    """Every document that people write."""
    found = [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("sandbox/*.md"), *root.glob("tests/**/*.md")]
    return sorted(found)


def list_unfenced(document: Path) -> list[str]:
    """Its lines, with an empty one in place of each line of code."""
    inside, lines = False, list[str]()
    for line in document.read_text().splitlines():
        fence = line.lstrip().startswith("```")
        inside = inside != fence
        lines.append("" if inside or fence else line)
    return lines


def list_joined(lines: list[str]) -> Iterator[str]:
    """The headings that touch a line of text; a comment may stand right above one."""
    for above, line, below in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        if re.match(r"#+ ", line) and (below or (above and not above.startswith("<!--"))):
            yield line


def test_each_heading_stands_apart(project_root: Path) -> None:
    """One that touches a paragraph, as joined branches leave it, is lost in what some programs show."""
    documents = list_written(project_root)
    assert len(documents) > 15
    assert [f"{one.name}: {line}" for one in documents for line in list_joined(list_unfenced(one))] == []


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("words\n## Head\n\nwords", True),
        ("words\n\n## Head\nwords", True),
        ("words\n\n## Head\n\nwords", False),
        ("<!-- bench -->\n## Head\n\nwords", False),
        ("## Head", False),
    ],
)
def test_a_heading_that_touches_text_is_found(text: str, joined: bool) -> None:
    """Above and below."""
    assert bool(list(list_joined(text.split("\n")))) is joined


def test_each_paragraph_stands_apart(project_root: Path) -> None:
    """A paragraph is one line here, so two lines of prose in a row are two paragraphs that joined branches merged."""
    written = [one for one in list_documents(project_root) if one.name != "benchmarks.md"]
    merged = [
        f"{document.name}: {line[:60]}"
        for document in written
        for above, line in pairwise(list_unfenced(document))
        if re.match(r"[\w`*\[]", above) and re.match(r"[A-Z`*\[]", line)
    ]
    assert merged == []
