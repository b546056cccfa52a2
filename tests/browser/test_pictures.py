"""The pictures of docs/page.md: every state of the page, on a laptop and on a phone.

`./dev test tests/browser --pictures docs` takes them again; without the option there is nothing to keep them for.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from sandbox.watching.messages import consent
from tests.browser.camera import Camera, open_camera
from tests.browser.sandbox_run import SandboxRun, run_sandbox
from tests.skips import NO_PICTURES

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

START_MS = 60_000
LOOK_MS = 200
# A reminder is due at a full minute, and looked for every 20 s.
REMINDER_MS = 120_000
LEAD = timedelta(minutes=10)
ANA, BEN, DEE = "U0ANA00001", "U0BEN00002", "U0DEE00004"
CHANNEL = "C0MESHOPS1"
OPEN_THREAD = ".thread-bar"
QUIET_MS = 5_000
FAULTS = ("429", "lost_reply", "duplicate")


@pytest.fixture(scope="module")
def sandbox(request: pytest.FixtureRequest) -> Iterator[SandboxRun]:
    """Give a sandbox of this module's own."""
    if not request.config.getoption("pictures"):
        pytest.skip(NO_PICTURES)
    with run_sandbox() as run:
        yield run


@pytest.fixture(scope="module")
def camera(sandbox: SandboxRun, chromium: Path, pictures: Path) -> Iterator[Camera]:
    """Give both windows."""
    with open_camera(chromium, pictures / "pictures") as camera:
        yield camera


class Studio:
    """The sandbox before the camera: people act through its HTTP calls, the windows look on."""

    def __init__(self, sandbox: SandboxRun, camera: Camera) -> None:
        self.page = sandbox.page.rstrip("/")
        self.control = str(sandbox.addresses["control"])
        self.camera = camera

    def look(self, query: str) -> None:
        """Open the page as somebody."""
        self.camera.look_as(f"{self.page}/?{query}")
        self.camera.laptop.get_by_text("Bot connected").first.wait_for(timeout=START_MS)

    def look_at_thread(self, query: str) -> None:
        """Open the page and the newest thread."""
        self.look(query)
        self.camera.act(open_newest_thread)

    def command(self, user: str, text: str) -> None:
        """Have somebody run /asm-upgrade."""
        send(f"{self.page}/ui/command", {"user": user, "channel": CHANNEL, "text": f"/asm-upgrade {text}"})

    def find_thread(self) -> str:
        """The ts of the newest root message."""
        return str(max(message["ts"] for message in self.list_messages() if message.get("reply_count")))

    def list_messages(self) -> list[dict[str, Any]]:
        """The messages of the channel, replies among them."""
        with urllib.request.urlopen(f"{self.page}/ui/state", timeout=60) as answer:
            rooms = json.load(answer)["channels"]
        return next(room["messages"] for room in rooms if room["id"] == CHANNEL)

    def approve(self, question: str) -> None:
        """Have ben approve the question once it is asked."""
        expect(self.camera.laptop.get_by_text(question).last).to_be_visible(timeout=START_MS)
        message = self.find_card()
        button = consent(message) or {}
        place = {key: button[key] for key in ("action_id", "block_id") if button.get(key)}
        send(f"{self.page}/ui/click", {"user": BEN, "channel": CHANNEL, "ts": message["ts"], **place})

    def find_card(self) -> dict[str, Any]:
        """The newest card that can be approved; the root message names its question before the card is posted."""
        for _ in range(START_MS // LOOK_MS):
            cards = [message for message in self.list_messages() if consent(message)]
            if cards:
                return cards[-1]
            self.camera.laptop.wait_for_timeout(LOOK_MS)
        raise AssertionError("no card came that can be approved")

    def switch(self, **switches: object) -> None:
        """Switch faults of the release server."""
        send(f"{self.control}/releases", switches)


def open_newest_thread(window: Page) -> None:
    """Open the thread below the last root message."""
    window.locator(OPEN_THREAD).last.wait_for(timeout=START_MS)
    window.evaluate("[...document.querySelectorAll('.thread-bar')].pop().click()")
    window.locator(".thread-pane").wait_for()


def send(address: str, body: Any) -> None:
    """POST JSON."""
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60):
        pass


def scroll_to(locator: Locator) -> None:
    """Bring it to the top of its list, so that the picture shows what belongs to it."""
    locator.evaluate("(one) => { one.scrollIntoView({ block: 'start' }); }")


@pytest.fixture(scope="module")
def studio(sandbox: SandboxRun, camera: Camera) -> Studio:
    """Give the studio."""
    return Studio(sandbox, camera)


def test_pictures_before_anything_was_started(studio: Studio, camera: Camera) -> None:
    """Empty channel, refusal, forms."""
    studio.look("user=ana")
    camera.take("empty")
    studio.look("user=dee")
    studio.command(DEE, "start cluster-x")
    camera.act(lambda window: window.locator(".is-ephemeral").wait_for(timeout=START_MS))
    camera.take("refusal")
    studio.look("user=ana")
    studio.command(ANA, "schedule cluster-x")
    camera.act(lambda window: window.locator(".dialog").wait_for(timeout=START_MS))
    camera.take("schedule")
    camera.laptop.locator(".dialog-foot button").first.click()


def test_pictures_of_a_scheduled_upgrade(studio: Studio, camera: Camera) -> None:
    """Home, inspector, faults, reminder, confirm dialog."""
    starts = datetime.now(UTC).replace(second=0, microsecond=0) + LEAD + timedelta(minutes=1)
    studio.command(ANA, f"schedule cluster-x {starts:%Y-%m-%d %H:%M} UTC")
    picture_inspector(studio, camera)
    studio.look("user=ben")
    camera.act(lambda window: window.get_by_text("Reschedule").last.wait_for(timeout=REMINDER_MS))
    camera.take("reminder")
    studio.look("user=ana")
    camera.act(lambda window: window.locator("button[data-action='asm:abort']", has_text="Cancel").last.click())
    camera.act(lambda window: window.locator("[data-confirm=yes]").wait_for())
    camera.take("confirm")
    camera.laptop.locator("[data-confirm=yes]").click()
    camera.laptop.locator("[data-action=reason]").fill("The shop has a sale that week")
    camera.laptop.locator("[data-submit='asm:reason']").click()
    expect(camera.laptop.locator(".dialog")).to_have_count(0, timeout=START_MS)


def picture_inspector(studio: Studio, camera: Camera) -> None:
    """Envelopes with their acks, API calls, and the switches on."""
    studio.look("user=ana&inspector")
    camera.act(lambda window: window.locator(".log-line", has_text="Envelope").last.click())
    camera.take("inspector")
    camera.act(lambda window: window.locator(".log-row.is-open .log-line").click())
    # A fault switched on while the thread still grows would be used up before the picture.
    camera.laptop.wait_for_timeout(QUIET_MS)
    for kind in FAULTS:
        camera.laptop.locator(f"[data-fault='{kind}']").click()
    camera.act(lambda window: expect(window.locator(".chip-fault")).to_have_count(len(FAULTS)))
    camera.take("faults")
    camera.laptop.get_by_role("button", name="Clear", exact=True).click()
    camera.laptop.locator("[data-fault='disconnect']").click()
    camera.act(lambda window: window.locator(".log-line", has_text="disconnect").last.wait_for(timeout=START_MS))
    camera.laptop.get_by_text("Bot connected").wait_for(timeout=START_MS)
    camera.take("disconnect")


def test_pictures_of_the_start_form(studio: Studio, camera: Camera) -> None:
    """The form, and errors at their fields."""
    studio.look("user=ana")
    studio.command(ANA, "start")
    camera.act(lambda window: window.locator("[data-submit='asm:start']").wait_for(timeout=START_MS))
    camera.take("start")
    for field, typed in (("set", "values.global.mtls.enabled"), ("overlay", "kind: Deployment")):
        for window in camera.windows:
            window.locator(f"[data-action={field}]").fill(typed)
    camera.laptop.locator("[data-submit='asm:start']").click()
    camera.act(lambda window: window.locator(".input-error").first.wait_for(timeout=START_MS))
    camera.act(lambda window: scroll_to(window.locator(".input.has-error").first))
    camera.take("errors")
    camera.laptop.locator("[data-action=set]").fill("")
    camera.laptop.locator("[data-action=overlay]").fill("")
    camera.laptop.locator("[data-submit='asm:start']").click()
    expect(camera.laptop.locator(".dialog")).to_have_count(0, timeout=START_MS)


def test_pictures_of_approvals_and_a_blocked_step(studio: Studio, camera: Camera) -> None:
    """Card of a gate, two people's times, Home, and an archive that was tampered with."""
    studio.find_card()
    studio.look_at_thread("user=ben")
    asked = studio.camera.laptop.locator(".thread-pane").get_by_text("Give the bot cluster-admin")
    expect(asked.last).to_be_visible(timeout=START_MS)
    camera.take("approval")
    studio.look("split=ana,ben")
    camera.take("two-people")
    studio.look("user=ben")
    camera.laptop.get_by_role("button", name="ASM Upgrade Bot").click()
    camera.phone.get_by_role("button", name="Channels").click()
    camera.phone.get_by_role("button", name="ASM Upgrade Bot").click()
    camera.act(lambda window: window.locator(".home-inner .blocks").wait_for(timeout=START_MS))
    camera.take("home")
    studio.switch(tamper=True)
    studio.look_at_thread("user=ben")
    studio.approve("Give the bot cluster-admin")
    studio.approve("Download ASM")
    blocked = "Blocked:"
    camera.act(lambda window: window.locator(".thread-pane").get_by_text(blocked).last.wait_for(timeout=START_MS))
    camera.act(lambda window: expect(window.locator(".channel-pane")).to_contain_text(blocked, timeout=START_MS))
    camera.take("blocked")
    studio.switch(tamper=False)
    studio.command(ANA, "retry cluster-x")


def test_pictures_of_the_way_to_the_end(studio: Studio, camera: Camera) -> None:
    """Files, root message with its cards, the finished upgrade."""
    studio.approve("Replace the control plane")
    camera.act(lambda window: window.get_by_text("Validate cluster-x with asmctl").last.wait_for(timeout=START_MS))
    camera.act(lambda window: scroll_to(window.locator("article", has=window.locator(".file")).first))
    camera.take("file")
    studio.look("user=ana")
    camera.act(lambda window: scroll_to(window.locator("article", has=window.locator(".plan")).last))
    camera.take("root")
    studio.look(f"split=ana,ben&channel={CHANNEL}&thread={studio.find_thread()}")
    camera.act(lambda window: expect(window.locator(".thread-pane")).to_have_count(2))
    camera.take("dates")
    studio.look_at_thread("user=ben")
    for question in ("Validate cluster-x", "Re-inject", "not re-injected", "Edit authorization policies"):
        studio.approve(question)
    ended = re.compile("Upgraded cluster-x: 1.4.7")
    camera.act(lambda window: window.locator(".thread-pane").get_by_text(ended).last.wait_for(timeout=START_MS))
    camera.act(lambda window: scroll_to(window.locator(".thread-pane article").get_by_text(ended).last))
    root = ".channel-pane article:has(.plan)"
    done = "8 of 8 phases done"
    camera.act(lambda window: expect(window.locator(root).last).to_contain_text(done, timeout=START_MS))
    camera.act(lambda window: scroll_to(window.locator(root).last))
    camera.take("finished")
