"""The change record as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Page

from bot.evidence.reports import write_report
from bot.journal.verifying import Chains
from steps.contract.ledger import LedgerEntry
from tests.browser.sandbox_run import open_browser_page
from tests.unit.bot.evidence.conftest import UPGRADE, Ended, restart, write_entry

HOSTILE = "</pre><script>alert(1)</script> | `x` [a](http://evil.example) <img src=x> **b** # c\n# d"


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.found.add(tag)


def write(ended: Ended, form: str, words: str = "Replace it?", entries: tuple[LedgerEntry, ...] = ()) -> str:
    """The file of an upgrade that restarted one workload."""
    engine = ended(words, (restart("shop/Deployment/web"),), entries or (write_entry(1),))
    return write_report(engine.store, UPGRADE, form, engine.clock.now())  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["html", "md"])
@pytest.mark.parametrize(
    "told",
    [
        "Replace it?",
        "@U0ANA00001",
        "@U0BEN00002",
        "restart workload",
        "shop/Deployment/web",
        "web-1",
        "its replacement runs 1.4.10",
        "Unbroken: ",
        "of which 5 min waited for people",
    ],
)
def test_it_says_what_was_asked_decided_and_done(ended: Ended, form: str, told: str) -> None:
    """For people, in both forms."""
    assert told in write(ended, form)


def test_the_page_needs_nothing_from_elsewhere(ended: Ended) -> None:
    """One file, which runs nothing and asks nobody."""
    page = write(ended, "html", HOSTILE)
    assert Tags(page).found.isdisjoint({"script", "link", "img", "iframe", "object", "a"})
    assert re.findall(r"(?:src|href)=|url\(", page.replace("&lt;img src=x&gt;", "").replace("img src=x", "")) == []


@pytest.fixture(scope="module")
def window(chromium: Path) -> Iterator[Page]:
    """A browser's window."""
    with open_browser_page(chromium) as page:
        yield page


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_as_wide_as_its_window(ended: Ended, window: Page, tmp_path: Path, width: int) -> None:
    """A phone's and a laptop's, whatever long words stand in it."""
    workload = f"shop/Deployment/{'service-of-a-team-' * 8}web"
    file = tmp_path / "report.html"
    file.write_text(write(ended, "html", "Replace_it_" * 30, (write_entry(1, workload=workload),)))
    window.set_viewport_size({"width": width, "height": 844})
    window.goto(file.as_uri())
    assert window.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("form", ["html", "md", "jsonl"])
def test_it_names_the_head_of_the_audit(ended: Ended, form: str) -> None:
    """The seal of the last row, which an auditor holds the audit to."""
    engine = ended()
    head = Chains(engine.store).list_rows(UPGRADE)[-1].seal
    told = write_report(engine.store, UPGRADE, form, engine.clock.now())  # type: ignore[arg-type]
    assert len(head) == 64
    assert head in told


def test_no_text_of_others_is_markup_in_markdown(ended: Ended) -> None:
    """Neither a link nor an image, a heading, HTML or the end of a cell."""
    lines = write(ended, "md", HOSTILE).splitlines()
    loose = [line for line in lines if "evil.example" in line and not line.startswith("    ")]
    assert loose
    assert [line for line in loose if "](" in line or "<img" in line or "# d" in line] == []


def test_each_json_line_names_its_kind(ended: Ended) -> None:
    """For programs: all that the record has."""
    kinds = [json.loads(line)["kind"] for line in write(ended, "jsonl").splitlines()]
    assert set(kinds) == {"upgrade", "step", "question", "call", "pod", "audit"}
    assert kinds[0] == "upgrade"


def test_ten_thousand_pods_fit_into_a_megabyte(ended: Ended) -> None:
    """A thousand workloads of ten pods with names as long as real ones."""
    entries = tuple(
        write_entry(number, workload=f"team-{place % 40}/Deployment/service-of-a-team-{place}-7d9f8b6c5d")
        for place in range(1_000)
        for number in range(10)
    )
    assert len(write(ended, "html", entries=entries)) < 1_000_000
