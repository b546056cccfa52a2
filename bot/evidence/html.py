"""The record as one self-contained HTML file without scripts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal, assert_never

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from bot.evidence.document import Code, Document, Facts, Fold, Lines, Part, Picture, Table


@dataclass(frozen=True)
class Drawn:
    """A part as the template takes it; `svg` is markup of our own making, `parts` are a fold's."""

    kind: Literal["table", "facts", "lines", "code", "picture", "fold"]
    value: Part
    svg: Markup | None = None
    parts: tuple[Drawn, ...] = ()


def write_html(document: Document) -> str:
    """The whole file; every text in it is escaped."""
    sections = [{"title": section.title, "parts": _draw_parts(section.parts)} for section in document.sections]
    return _open_template().render(document=document, sections=sections) + "\n"


@cache
def _open_template() -> Template:
    """Compiled once: that takes longer than to write a record by it."""
    environment = Environment(
        loader=PackageLoader("bot.evidence", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("record.html.j2")


def _draw_parts(parts: Iterable[Part]) -> tuple[Drawn, ...]:
    return tuple(map(_draw_part, parts))


def _draw_part(part: Part) -> Drawn:
    match part:
        case Table():
            return Drawn("table", part)
        case Facts():
            return Drawn("facts", part)
        case Lines():
            return Drawn("lines", part)
        case Code():
            return Drawn("code", part)
        case Picture(svg=svg):
            return Drawn("picture", part, svg=Markup(svg))
        case Fold(parts=inner):
            return Drawn("fold", part, parts=_draw_parts(inner))
        case _:
            assert_never(part)
