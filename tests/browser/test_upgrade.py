"""A person upgrades cluster-x on the sandbox's page, as the README says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.sandbox_run import SandboxRun, open_browser_page, run_sandbox

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

START_MS = 60_000
STEP_MS = 60_000
RETRY = "Retry"
# The picture at the top of docs/page.md is of the gate that asks this.
PICTURED = re.compile(r"Re-inject \d+ pods")
UPGRADED = re.compile(r"[Uu]pgraded cluster-x: 1\.4\.7-asm\.0 → 1\.4\.10-asm\.18, (\d+)/(\d+) pods, (\d+) manual")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxRun]:
    """Give a sandbox of this module's own."""
    with run_sandbox() as run:
        yield run


@pytest.fixture
def page(sandbox: SandboxRun, chromium: Path) -> Iterator[Page]:
    """Give the page as ana sees it; an error in the page's own script fails the test."""
    with open_browser_page(chromium) as page:
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{sandbox.page.rstrip('/')}/?user=ana")
        yield page
        assert not errors


def type_command(page: Page, text: str) -> None:
    """Type into the channel's composer and send."""
    page.get_by_text("Bot connected").wait_for(timeout=START_MS)
    composer = page.locator('textarea[data-composer="channel"]')
    composer.fill(text)
    composer.press("Enter")


def act_as(page: Page, name: str) -> None:
    """Choose who one is with the user switcher."""
    page.locator("[data-user]").click()
    page.locator(f'[data-person="{name}"]').click()


def open_thread(page: Page) -> Locator:
    """Open the thread below the upgrade's root message."""
    page.locator(".thread-bar").first.click(timeout=START_MS)
    return page.get_by_label("Thread", exact=True)


def wait_for_gate(thread: Locator) -> Locator | None:
    """The one coloured button of the open card; None when the upgrade has ended first."""
    button = thread.locator("button.button-primary").last
    end = thread.get_by_text(UPGRADED)
    expect(button.or_(end).first).to_be_visible(timeout=STEP_MS)
    return None if end.first.is_visible() else button


def press(page: Page, button: Locator) -> None:
    """Press the button, say yes where Slack asks again, and wait until its card is closed."""
    card = button.locator("xpath=ancestor::article").get_attribute("data-ts")
    button.click()
    sure = page.locator('[data-confirm="yes"]')
    closed = page.locator(f'article[data-ts="{card}"]:not(:has(button.button-primary))')
    expect(sure.or_(closed).first).to_be_visible(timeout=STEP_MS)
    if sure.is_visible():
        sure.click()
    expect(page.locator(f'article[data-ts="{card}"] button.button-primary')).to_have_count(0, timeout=STEP_MS)


def test_a_person_upgrades_cluster_x_on_the_page(page: Page, pictures: Path) -> None:
    """One command, one press a gate, and the thread ends with a ledger that adds up."""
    type_command(page, "/asm-upgrade start cluster-x")
    thread = open_thread(page)
    act_as(page, "ben")
    while button := wait_for_gate(thread):
        assert button.inner_text() != RETRY, f"the upgrade is blocked: {thread.inner_text()[-1500:]}"
        if PICTURED.search(button.locator("xpath=ancestor::article").inner_text()):
            (pictures / "page.png").write_bytes(page.screenshot())
        press(page, button)
    # The change record stands below it as a file, and says so too.
    last = thread.locator("article", has_not=page.locator(".file")).last
    expect(last).to_contain_text(UPGRADED, timeout=STEP_MS)
    match = UPGRADED.search(last.inner_text())
    assert match
    upgraded, total, manual = (int(number) for number in match.groups())
    assert upgraded + manual == total
