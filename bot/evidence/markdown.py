"""The record, and the audit alone, as Markdown for a ticket or a repository."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import assert_never

from bot.evidence.document import Code, Document, Facts, Fold, Lines, Part, Picture, Table
from bot.journal.chain import SHORT, SealedRow

# What would begin a link, an image, emphasis, a cell or HTML.
MARKUP = re.compile(r"[|\\`<>\[\]*_#]")


def write_markdown(document: Document) -> str:
    """The whole file; the picture stands there in words."""
    lines = [f"# {escape_markdown(document.title)}", "", escape_markdown(document.lead)]
    for section in document.sections:
        lines += ["", f"## {escape_markdown(section.title)}", *_write_parts(section.parts)]
    return "\n".join([*lines, ""])


def write_audit_table(upgrade: str, rows: Sequence[SealedRow], link: str = "") -> str:
    """The audit as a table of Markdown, with its head; `link` names what it takes back or what takes it back."""
    lines = [
        f"# Audit of {upgrade}",
        "",
        *([f"{escape_markdown(link[:1].upper() + link[1:])}.", ""] if link else []),
        f"Head: `{rows[-1].seal if rows else 'none'}`",
        "",
        "| | at (UTC) | by | what | detail | seal |",
        "|---|---|---|---|---|---|",
    ]
    for number, row in enumerate(rows, 1):
        at = datetime.fromtimestamp(row.at, UTC)
        cells = (str(number), f"{at:%Y-%m-%d %H:%M:%S}", row.actor, row.action, row.detail, row.seal[:SHORT])
        lines.append(_write_row(map(escape_markdown, cells)))
    return "\n".join(lines) + "\n"


def escape_markdown(text: str) -> str:
    """Text of others on one line: it can neither end a cell nor be a link, an image or HTML."""
    return MARKUP.sub(lambda found: f"&#{ord(found[0])};", " ".join(text.split()))


def _write_parts(parts: Iterable[Part]) -> list[str]:
    return [line for part in parts for line in ("", *_write_part(part))]


def _write_part(part: Part) -> list[str]:
    match part:
        case Table(headings, rows):
            return [
                _write_row(headings),
                "|---" * len(headings) + "|",
                *(_write_row(map(escape_markdown, row)) for row in rows),
            ]
        case Facts(pairs):
            return [f"- {escape_markdown(name)}: {escape_markdown(told)}" for name, told in pairs]
        case Lines(lines):
            return [f"- {escape_markdown(line)}" for line in lines]
        case Code(text):
            return [f"    {line}" for line in text.splitlines()]
        case Picture(caption=caption):
            return [f"*{escape_markdown(caption)}*"]
        case Fold(title, inner):
            return [f"### {escape_markdown(title)}", *_write_parts(inner)]
        case _:
            assert_never(part)


def _write_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
