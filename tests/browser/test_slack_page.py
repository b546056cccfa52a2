from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from slack_bolt import App
from slack_sdk import WebClient

from sandbox.slack.server import SlackStandIn
from sandbox.web.sites import serve_in_thread
from tests.browser.page_bot import make_bot
from tests.browser.sandbox_run import be_patient
from tests.page import ACK_SECONDS
from tests.unit.sandbox.slack.rig import HandClock, Stage, Window, served

pytestmark = pytest.mark.browser
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Give a headless Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(chromium), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Give a stand-in with the small bot connected in HTTP mode."""
    clock = HandClock()
    stand_in = SlackStandIn(clock, ack_seconds=ACK_SECONDS)
    site = serve_in_thread(stand_in.app())
    stage = Stage(stand_in, site, clock, Window(site.url))
    client = WebClient(stand_in.cast.app.bot_token, base_url=f"{site.url}/api/")
    with served(make_bot(App(client=client, signing_secret=stand_in.cast.app.signing_secret))) as url:
        stage.window.post("mode", mode="http", url=url)
        yield stage
    site.stop()


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    """Give the page as ana sees it; whatever the console complains about fails the test."""
    complaints: list[str] = []
    opened = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    be_patient(opened)
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(f"{stage.site.url}/?user=ana")
    yield opened
    opened.close()
    assert complaints == []


def say(page: Page, text: str) -> None:
    """Type into the channel's composer and press Enter."""
    box = page.locator("[data-composer=channel]").first
    box.fill(text)
    box.press("Enter")


def test_says_what_to_type_while_it_is_empty(page: Page) -> None:
    """A newcomer reads the command."""
    expect(page.locator(".empty")).to_contain_text("/asm-upgrade start cluster-x")


def test_offers_the_command_with_its_hint(page: Page) -> None:
    """A slash brings the command, Tab takes it, the hint follows."""
    box = page.locator("[data-composer=channel]")
    box.press_sequentially("/a")
    box.press("Tab")
    expect(box).to_have_value("/asm-upgrade ")
    expect(page.locator(".composer-hint")).to_contain_text("start")


def test_an_approval_goes_through_the_confirm_dialog(page: Page) -> None:
    """Command, thread, button, confirm: card and plan change."""
    say(page, "/asm-upgrade start cluster-x")
    page.click(".thread-bar")
    page.click("[data-action=approve]")
    page.click("[data-confirm=yes]")
    expect(page.locator(".thread-pane")).to_contain_text("@Ana Torres approved")
    expect(page.locator(".channel-pane .plan-count")).to_have_text("2 of 3")


def test_a_refused_confirmation_does_nothing(page: Page) -> None:
    """The button stays and the bot hears nothing."""
    say(page, "/asm-upgrade start cluster-x")
    page.click(".thread-bar")
    page.click("[data-action=approve]")
    page.click(".dialog >> text=No")
    expect(page.locator("[data-action=approve]")).to_be_visible()
    expect(page.locator(".channel-pane .plan-count")).to_have_text("1 of 3")


def test_foreign_strings_stay_text(page: Page) -> None:
    """Markup in a message is shown, not obeyed; a broadcast is highlighted."""
    say(page, "/asm-upgrade start cluster-x")
    expect(page.locator(".is-ephemeral")).to_contain_text("Looking at <b>cluster-x</b>")
    page.click(".thread-bar")
    expect(page.locator(".mention-me")).to_have_text("@channel")


@pytest.mark.parametrize(("user", "time"), [("ana", "2:00 PM"), ("ben", "8:00 AM"), ("cai", "9:00 PM")])
def test_times_are_the_readers_own(page: Page, stage: Stage, user: str, time: str) -> None:
    """A date token is written in the zone of whoever reads."""
    say(page, "/asm-upgrade start cluster-x")
    page.locator(".thread-bar").wait_for()
    page.goto(f"{stage.site.url}/?user={user}")
    page.click(".thread-bar")
    expect(page.locator(".thread-pane")).to_contain_text(f"Expires {time}")


def test_an_ephemeral_is_for_one_person(page: Page) -> None:
    """After switching to another person it is gone."""
    say(page, "/asm-upgrade start cluster-x")
    page.locator(".is-ephemeral").wait_for()
    page.click("[data-user=ana]")
    page.click("[data-person=ben]")
    expect(page.locator(".plan")).to_be_visible()
    expect(page.locator(".is-ephemeral")).to_have_count(0)


@pytest.mark.parametrize("place", [".channel-pane", ".thread-pane"])
def test_the_apps_shortcut_is_in_the_menu_of_every_message(page: Page, place: str) -> None:
    """In the channel and in a thread; choosing it reaches the bot, which opens a form."""
    say(page, "/asm-upgrade start cluster-x")
    page.click(".thread-bar")
    # What only one person sees has no menu, and the answer to the command may come after the thread has begun.
    message = page.locator(f"{place} .message:not(.is-ephemeral)").last
    message.hover()
    message.get_by_label("More actions").click()
    page.get_by_role("menuitem", name="Mesh upgrade").click()
    expect(page.locator(".dialog")).to_contain_text("Flags")


def test_a_modal_shows_errors_at_their_field(page: Page) -> None:
    """The error stands below the input; a right value closes the modal."""
    say(page, "/asm-upgrade form")
    page.fill("[data-action=flag]", "bad")
    page.click("[data-submit=form]")
    expect(page.locator(".input-error")).to_contain_text("This is not a flag.")
    page.fill("[data-action=flag]", "good")
    page.click("[data-submit=form]")
    expect(page.locator(".dialog")).to_have_count(0)


def test_a_file_stands_in_the_thread(page: Page) -> None:
    """Name and preview are shown."""
    say(page, "/asm-upgrade start cluster-x")
    page.click(".thread-bar")
    expect(page.locator(".file-preview")).to_contain_text("+ new")


def test_the_home_tab_is_drawn(page: Page) -> None:
    """Opening it asks the bot."""
    page.click(".side-item >> text=ASM Upgrade Bot")
    expect(page.locator(".home-inner")).to_contain_text("Fleet")


def test_a_link_to_a_message_opens_its_thread(page: Page) -> None:
    """A permalink on the Home tab leads to the thread in the same window."""
    say(page, "/asm-upgrade start cluster-x")
    page.locator(".thread-bar").wait_for()
    page.click(".side-item >> text=ASM Upgrade Bot")
    page.click("text=Open the thread")
    expect(page.locator(".thread-pane")).to_contain_text("Expires")


def test_two_people_stand_side_by_side(page: Page, stage: Stage) -> None:
    """Each side is one person's window on the same channel."""
    page.goto(f"{stage.site.url}/?split=ana,ben")
    say(page, "/asm-upgrade start cluster-x")
    expect(page.locator("[data-client=ben] .plan")).to_be_visible()
    expect(page.locator("[data-client=ben] .is-ephemeral")).to_have_count(0)


def test_the_inspector_lists_envelopes_and_switches_faults(page: Page, stage: Stage) -> None:
    """A command's envelope is there with its ack; a switch turns a fault on."""
    page.goto(f"{stage.site.url}/?user=ana&inspector")
    say(page, "/asm-upgrade start cluster-x")
    page.click(".log-line:has-text('Envelope')")
    expect(page.locator(".log-detail")).to_contain_text("trigger_id")
    # The bot's last post of this command: a fault set before it would be used up by it.
    expect(page.locator(".log-line:has-text('chat.postMessage')")).to_have_count(2)
    page.click("[data-fault='429']")
    expect(page.locator(".chip-fault")).to_contain_text("429 chat.postMessage ×1")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    """No sideways scrolling at phone, tablet and laptop width."""
    page.set_viewport_size({"width": width, "height": 740})
    say(page, "/asm-upgrade start cluster-x")
    page.locator(".thread-bar").wait_for()
    page.evaluate("document.querySelector('.thread-bar').click()")
    page.locator("[data-action=approve]").wait_for()
    wide = "[...document.querySelectorAll('html, .timeline')].filter((one) => one.scrollWidth > one.clientWidth).length"
    assert page.evaluate(wide) == 0


def test_the_page_goes_on_after_a_restart(browser: Browser, stage: Stage) -> None:
    """When the sandbox is back on its port, the page shows what it has now."""
    opened = browser.new_page()
    opened.goto(f"{stage.site.url}/?user=ana")
    opened.locator(".empty").wait_for()
    stage.site.stop()
    expect(opened.locator(".offline")).to_be_visible()
    again = serve_in_thread(SlackStandIn(stage.clock).app(), port=stage.site.port)
    expect(opened.locator(".offline")).to_have_count(0)
    Window(again.url).post("message", user="ben", channel="C0MESHOPS1", text="back again")
    expect(opened.locator(".message")).to_contain_text("back again")
    opened.close()
    again.stop()
