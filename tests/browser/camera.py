"""Two windows on the sandbox's page, a laptop's and a phone's, and the pictures taken of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.sandbox_run import QUIET

LAPTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# Grey text is drawn the same on every machine, and its pictures are a third smaller.
GREY = ("--disable-lcd-text", "--font-render-hinting=none")
WIDE = """[...document.querySelectorAll('html, .timeline, .home-scroll, .dialog-body, .inspector')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.className || one.tagName)"""
SETTLE_MS = 400


@dataclass(frozen=True)
class Camera:
    """Takes `NAME.png` and `NAME-phone.png` into a folder."""

    laptop: Page
    phone: Page
    folder: Path

    @property
    def windows(self) -> tuple[Page, Page]:
        """Both windows."""
        return self.laptop, self.phone

    def act(self, do: Callable[[Page], object]) -> None:
        """Do the same in both windows: what one person's window alone knows, such as an open thread."""
        for window in self.windows:
            do(window)

    def look_as(self, address: str) -> None:
        """Open the page at this address, such as `?user=ana`, in both windows."""
        self.act(lambda window: window.goto(address))

    def take(self, name: str) -> None:
        """Take both pictures. Nothing may be wider than its window."""
        for window, suffix in ((self.laptop, ""), (self.phone, "-phone")):
            window.wait_for_timeout(SETTLE_MS)
            wide = window.evaluate(WIDE)
            assert wide == [], f"{name}{suffix}: too wide: {wide}"
            window.screenshot(path=self.folder / f"{name}{suffix}.png", animations="disabled")


@contextmanager
def open_camera(chromium: Path, folder: Path) -> Iterator[Camera]:
    """Open both windows; an error in the page's own script fails the test."""
    folder.mkdir(parents=True, exist_ok=True)
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=[*QUIET, *GREY])
        try:
            laptop, phone = open_window(browser, LAPTOP, errors), open_window(browser, PHONE, errors, touch=True)
            yield Camera(laptop, phone, folder)
        finally:
            browser.close()
    assert errors == []


def open_window(browser: Browser, size: dict[str, int], errors: list[str], *, touch: bool = False) -> Page:
    """Open a window of this size, of a profile of its own."""
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, locale="en-GB", has_touch=touch, is_mobile=touch
    )
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page
