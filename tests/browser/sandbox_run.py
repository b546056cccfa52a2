"""The sandbox as a newcomer starts it, and its page in Chromium."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.children import read_first_line

# Chromium's own errands would only time out on a machine without a network.
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STOP_SECONDS = 20
PATIENCE_MS = 60_000


@dataclass(frozen=True)
class SandboxRun:
    """A running sandbox: the page's address and everything that its JSON line names."""

    page: str
    addresses: dict[str, object]


@contextmanager
def run_sandbox(*arguments: str) -> Iterator[SandboxRun]:
    """Start `asm-upgrade sandbox --json` and stop it as Ctrl-C does."""
    program = str(Path(sys.executable).with_name("asm-upgrade"))
    child = subprocess.Popen([program, "sandbox", "--json", *arguments], stdout=subprocess.PIPE, text=True)
    try:
        addresses = json.loads(read_first_line(child))
        yield SandboxRun(addresses["page"], addresses)
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate(timeout=STOP_SECONDS)


def be_patient(waiting: BrowserContext | Page) -> None:
    """Wait a minute for what comes to the page, which on a busy machine is late."""
    waiting.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def open_browser_page(chromium: Path) -> Iterator[Page]:
    """Give a page of a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=list(QUIET))
        context = browser.new_context(
            viewport={"width": 1360, "height": 850},
            device_scale_factor=1.5,
            locale="en-GB",
            timezone_id="Asia/Seoul",
            # a mark that turns is drawn sixty times a second without a GPU, for as long as a step runs
            reduced_motion="reduce",
        )
        be_patient(context)
        try:
            yield context.new_page()
        finally:
            browser.close()
