"""What a record is written out as: headings, tables, lists and folds, which each form draws in its own way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Table:
    """Rows of plain text under their headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Lines:
    """Sentences, one below the other."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """A text that is shown as it stands."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A drawing as SVG, and the same in words."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Fold:
    """Parts that stand under a title and may be folded away."""

    title: str
    parts: tuple[Part, ...]


Part: TypeAlias = Table | Facts | Lines | Code | Picture | Fold


@dataclass(frozen=True)
class Section:
    """A heading with its parts."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Document:
    """A whole record for people."""

    title: str
    lead: str
    sections: tuple[Section, ...]
