"""What the documents claim names what holds it, a test or a measurement. That each is there test_documents.py says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

# What holds a claim: a test by name, a benchmark, or a table that `./dev docs` fills from the program.
HELD = re.compile(r"`tests/[\w/.]+::\w+`|`tests/bench/\w+\.py`|<!-- /\w+ -->")
FENCE = re.compile(r"```.*?```", re.DOTALL)
# Reasons and drawings; the latter are held to the contracts by test_documents.py.
NO_CLAIMS = frozenset({"decisions.md", "architecture.md"})
# Blocks that only lead on, or lines to copy.
LEADING = re.compile(r"^(?:#|\||!\[|<!--|\d\. |[-*] |For |\[More of them|Apache-2\.0|`\./dev check`|On Linux)")


def list_claims(text: str) -> Iterator[str]:
    """Paragraphs and tables of the README that claim something, each with what stands right below it."""
    blocks = [block.strip() for block in FENCE.sub("", text).split("\n\n") if block.strip()]
    for block, below in zip(blocks, [*blocks[1:], ""], strict=True):
        if block.startswith("|") or not LEADING.match(block):
            yield f"{block}\n{below}"


def test_every_claim_of_the_readme_names_what_holds_it(project_root: Path) -> None:
    """In a comment below it; the table of other documents claims nothing."""
    text = (project_root / "README.md").read_text().partition("\n## More\n")[0]
    claims = list(list_claims(text))
    assert len(claims) > 6
    assert [claim[:80] for claim in claims if not HELD.search(claim)] == []


def list_documents(root: Path) -> list[Path]:
    """Those that claim something."""
    return [path for path in sorted((root / "docs").glob("*.md")) if path.name not in NO_CLAIMS]


@pytest.mark.parametrize("name", [path.name for path in list_documents(Path(__file__).parents[3])])
def test_every_part_of_the_documents_names_what_holds_it(project_root: Path, name: str) -> None:
    """Each part under a heading, in its table or in a comment."""
    text = (project_root / "docs" / name).read_text()
    heads = re.split(r"^#{1,2} (.+)$", FENCE.sub("", text), flags=re.MULTILINE)
    parts = dict(zip(heads[1::2], heads[2::2], strict=True))
    assert [head for head, part in parts.items() if part.strip() and not HELD.search(part)] == []
