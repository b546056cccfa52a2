"""The documentation as a site: every page is in its contents, and every link leads to a place that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.house.site import LINK, lay_out, move_links

HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HERE = re.compile(r"\]\(#([^)\s]+)\)")


class _Contents(yaml.SafeLoader):
    """Reads mkdocs.yml, of which a tag names a function."""


_Contents.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda _loader, name, _node: name)


def list_named(nav: list[Any]) -> Iterator[str]:
    """The pages of the site's contents."""
    for entry in nav:
        (place,) = entry.values()
        if isinstance(place, list):
            yield from list_named(place)
        else:
            yield place


def write_anchor(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site's builder make it of ours."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-")


@pytest.fixture(scope="module")
def pages(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as they are laid out."""
    place = tmp_path_factory.mktemp("site")
    lay_out(project_root, place)
    return place


def test_every_page_is_in_the_contents(project_root: Path, pages: Path) -> None:
    """Once."""
    settings = yaml.load((project_root / "mkdocs.yml").read_text(), _Contents)  # noqa: S506 - a SafeLoader
    named = list(list_named(settings["nav"]))
    assert sorted(named) == sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.md"))


def test_every_link_of_the_site_leads_somewhere(pages: Path) -> None:
    """To a page, and to a heading of it where one is named."""
    broken = []
    for page in sorted(pages.rglob("*.md")):
        text = FENCED.sub("", page.read_text())
        links = [(found[3], (found[4] or "")[1:]) for found in LINK.finditer(text)]
        for target, anchor in [*links, *(("", anchor) for anchor in HERE.findall(text))]:
            there = page.parent / target if target else page
            if not there.exists() or (anchor and anchor not in list_anchors(there)):
                broken.append((page.name, target, anchor))
    assert broken == []


def list_anchors(page: Path) -> set[str]:
    """The anchors that a page has."""
    return {write_anchor(heading) for heading in HEADING.findall(FENCED.sub("", page.read_text()))}


@pytest.mark.parametrize(
    ("document", "written", "moved"),
    [
        ("README.md", "[a](docs/commands.md)", "[a](commands.md)"),
        ("README.md", "![a](docs/page.png)", "![a](page.png)"),
        ("README.md", "[m](manifests/kubernetes)", "m"),
        ("docs/security.md", "[r](../SECURITY.md)", "[r](project/reporting.md)"),
        ("SECURITY.md", "[s](docs/security.md#doors)", "[s](../security.md#doors)"),
        ("docs/page.md", "[out](https://example.com)", "[out](https://example.com)"),
    ],
)
def test_a_link_follows_its_page(document: str, written: str, moved: str) -> None:
    """Where the site has no such page, its words stay."""
    places = {
        "README.md": "index.md",
        "SECURITY.md": "project/reporting.md",
        "docs/commands.md": "commands.md",
        "docs/page.md": "page.md",
        "docs/page.png": "page.png",
        "docs/security.md": "security.md",
    }
    assert move_links(written, document, places) == moved
