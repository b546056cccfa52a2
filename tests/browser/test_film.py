"""The moving picture at the top of the README: a person has cluster-x upgraded, another approves.

`./dev test tests/browser/test_film.py --pictures docs` takes it again, once `./dev docs` has installed pillow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.browser.camera import GREY
from tests.browser.film import Film
from tests.browser.sandbox_run import QUIET, SandboxRun, run_sandbox
from tests.skips import NO_PICTURES, NO_PILLOW

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

START_MS = 60_000
LOOK_MS = 700
LOOKS = 260
LARGEST = 1_500_000
ENDED = re.compile(r"[Uu]pgraded cluster-x: 1\.4\.7")


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[SandboxRun]:
    """Give a sandbox of this module's own."""
    if not request.config.getoption("pictures"):
        pytest.skip(NO_PICTURES)
    if find_spec("PIL") is None:
        pytest.skip(NO_PILLOW)
    with run_sandbox() as run:
        yield run


@pytest.fixture
def window(sandbox: SandboxRun, chromium: Path) -> Iterator[Page]:
    """Give a window on the page, as ana sees it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=[*QUIET, *GREY])
        page = browser.new_context(viewport={"width": 1120, "height": 660}, locale="en-GB").new_page()
        page.goto(f"{sandbox.page.rstrip('/')}/?user=ana")
        page.get_by_text("Bot connected").wait_for(timeout=START_MS)
        yield page
        browser.close()


def test_the_moving_picture_of_an_upgrade(window: Page, pictures: Path) -> None:
    """From the command to the report, small enough to be looked at on a telephone."""
    film = Film(window)
    ask_for_it(window, film)
    thread = window.locator(".thread-pane")
    for _ in range(LOOKS):
        if thread.get_by_text(ENDED).count():
            break
        approve(window, film, thread)
    expect(thread.get_by_text(ENDED).last).to_be_visible()
    thread.get_by_text(ENDED).last.evaluate("(one) => one.scrollIntoView({ block: 'start' })")
    film.shoot(5_000)
    film.write(pictures / "upgrade.webp")
    assert (pictures / "upgrade.webp").stat().st_size < LARGEST


def ask_for_it(window: Page, film: Film) -> None:
    """Ana types the command, and ben opens the thread."""
    composer = window.locator("[data-composer=channel]").first
    film.shoot(800)
    composer.fill("/asm-upgrade start cluster-x")
    film.shoot(1_600)
    composer.press("Enter")
    window.locator(".thread-bar").first.wait_for(timeout=START_MS)
    film.shoot(1_600)
    window.locator("[data-user]").click()
    window.locator('[data-person="ben"]').click()
    window.locator(".thread-bar").first.click()
    film.shoot(1_000)


def approve(window: Page, film: Film, thread: Locator) -> None:
    """Take what is to be seen; where something is asked, let it be read and approve it."""
    buttons = thread.locator("button.button-primary:not([disabled])")
    if not buttons.count():
        window.wait_for_timeout(LOOK_MS)
        film.shoot(LOOK_MS)
        return
    button = buttons.last
    card = button.locator("xpath=ancestor::article")
    card.evaluate("(one) => one.scrollIntoView({ block: 'start' })")
    ts = card.get_attribute("data-ts")
    film.shoot(1_800)
    button.click()
    sure = window.locator("[data-confirm=yes]")
    if sure.is_visible():
        film.shoot(1_500)
        sure.click()
    window.mouse.move(0, 0)
    expect(thread.locator(f'article[data-ts="{ts}"] button.button-primary')).to_have_count(0, timeout=START_MS)
    film.shoot(LOOK_MS)
