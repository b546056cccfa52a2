"""The record as Markdown, for a ticket or a repository."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

from bot.evidence.document import Code, Document, Facts, Fold, Lines, Part, Picture, Table

# What would begin a link, an image, emphasis, a cell or HTML.
MARKUP = re.compile(r"[|\\`<>\[\]*_#]")


def write_markdown(document: Document) -> str:
    """The whole file; the picture stands there in words."""
    lines = [f"# {escape(document.title)}", "", escape(document.lead)]
    for section in document.sections:
        lines += ["", f"## {escape(section.title)}", *_write_parts(section.parts)]
    return "\n".join([*lines, ""])


def escape(text: str) -> str:
    """Text of others on one line: it can neither end a cell nor be a link, an image or HTML."""
    return MARKUP.sub(lambda found: f"&#{ord(found[0])};", " ".join(text.split()))


def _write_parts(parts: Iterable[Part]) -> list[str]:
    return [line for part in parts for line in ("", *_write_part(part))]


def _write_part(part: Part) -> list[str]:
    match part:
        case Table(headings, rows):
            return [_write_row(headings), "|---" * len(headings) + "|", *(_write_row(map(escape, row)) for row in rows)]
        case Facts(pairs):
            return [f"- {escape(name)}: {escape(told)}" for name, told in pairs]
        case Lines(lines):
            return [f"- {escape(line)}" for line in lines]
        case Code(text):
            return [f"    {line}" for line in text.splitlines()]
        case Picture(caption=caption):
            return [f"*{escape(caption)}*"]
        case Fold(title, inner):
            return [f"### {escape(title)}", *_write_parts(inner)]
        case _:
            assert_never(part)


def _write_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
