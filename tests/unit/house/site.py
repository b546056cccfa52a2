"""Lays the documents out for the site: `./dev docs`. Links between pages follow; what is no page stays plain text."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = ROOT / ".site" / "pages"
# Where the documents of the root stand; docs/security.md is another than SECURITY.md.
OF_THE_ROOT = {
    "README.md": "index.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/reporting.md",
    "sandbox/README.md": "project/stand-ins.md",
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
SHOWN = (".md", ".png", ".gif", ".webp", ".svg")


def list_places(root: Path) -> dict[str, str]:
    """Each document and picture with its place on the site."""
    found = [path.relative_to(root) for path in sorted((root / "docs").rglob("*")) if path.suffix in SHOWN]
    return {**OF_THE_ROOT, **{path.as_posix(): path.relative_to("docs").as_posix() for path in found}}


def move_links(text: str, document: str, places: dict[str, str]) -> str:
    """The document's text with its links as they are from its place on the site."""

    def move(found: re.Match[str]) -> str:
        picture, words, target, anchor = found.groups()
        named = os.path.normpath(Path(document).parent / target)
        if named not in places:
            return words
        there = os.path.relpath(places[named], Path(places[document]).parent)
        return f"{picture}[{words}]({there}{anchor or ''})"

    return LINK.sub(move, text)


def lay_out(root: Path, pages: Path) -> Iterable[str]:
    """Write every page and picture; answers their places."""
    shutil.rmtree(pages, ignore_errors=True)
    places = list_places(root)
    for document, place in places.items():
        (pages / place).parent.mkdir(parents=True, exist_ok=True)
        if place.endswith(".md"):
            text = (root / document).read_text(encoding="utf-8")
            (pages / place).write_text(move_links(text, document, places), encoding="utf-8")
        else:
            shutil.copyfile(root / document, pages / place)
    return places.values()


if __name__ == "__main__":
    lay_out(ROOT, PAGES)
