"""A stand-in person: starts the upgrade as Ana, approves everything as Ben, by the same calls as the page makes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sandbox.slack.workspace.cast import MAIN_CHANNEL
from sandbox.watching.messages import consent
from sandbox.watching.slack_page import ActRefused, SlackPage

Json = dict[str, Any]

REQUESTER = "U0ANA00001"
APPROVER = "U0BEN00002"
START = "/asm-upgrade start cluster-x"
# A person clicks again where nothing happened.
TRIES = 3
REASON = "Accepted by the sandbox's stand-in person."


class StandInPerson:
    """Watches the events of a Slack stand-in and clicks what a willing person would click, again where it was lost."""

    def __init__(self, page: SlackPage, say: Callable[[str], None], pause: float = 1.0) -> None:
        self._pause = pause
        self._page = page
        self._say = say
        self._done: set[tuple[str, str]] = set()

    async def start(self) -> None:
        """Ask for the upgrade."""
        try:
            await self._page.run_command(REQUESTER, MAIN_CHANNEL, START)
        except ActRefused as refused:
            self._say(f"{START}: {refused}")

    async def see_message(self, channel: str, message: Json) -> None:
        """Click the button that lets the upgrade go on, if the message has one that wasn't clicked yet."""
        button = consent(message)
        if button is None:
            return
        # The same question may stand in two places; its value names it.
        value = str(button.get("value", ""))
        key = (button["action_id"], value or message["ts"])
        if key in self._done:
            return
        self._done.add(key)
        for _ in range(TRIES):
            try:
                await self._page.click(APPROVER, channel, message["ts"], button)
            except ActRefused as refused:
                self._say(f"The click on {button['text']['text']!r} failed: {refused}")
                await asyncio.sleep(self._pause)
            else:
                return
        self._done.discard(key)

    async def see_views(self, views: list[Json]) -> None:
        """Fill in a modal that asks for a reason and send it off."""
        for view in views[-1:]:
            key = (view["id"], str(view.get("hash", "")))
            if key in self._done:
                continue
            self._done.add(key)
            await self._page.submit_view(APPROVER, view["id"], _filled_in(view))


def _filled_in(view: Json) -> Json:
    """Return a reason for every text field, as {block_id: {action_id: text}}."""
    fields = [block for block in view.get("blocks") or [] if block.get("type") == "input"]
    return {
        block["block_id"]: {block["element"]["action_id"]: REASON}
        for block in fields
        if block["element"]["type"] == "plain_text_input"
    }
