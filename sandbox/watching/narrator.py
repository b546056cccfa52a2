"""Follows the Slack stand-in: shows the thread, lets the stand-in person act, and feeds the verdict."""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox.slack.workspace.cast import MAIN_CHANNEL
from sandbox.watching.messages import kind_of, read_finish, upgrade_of
from sandbox.watching.outcome import Verdict
from sandbox.watching.person import APPROVER, REQUESTER, StandInPerson
from sandbox.watching.slack_page import SlackPage
from sandbox.watching.terminal import Terminal
from sandbox.watching.thread_order import ThreadOrder

Json = dict[str, Any]

FOLLOWED = ("message", "message_changed")


class Narrator:
    """Reads events one after the other from the moment of its making on."""

    def __init__(self, page: SlackPage, terminal: Terminal, verdict: Verdict, state: Json) -> None:
        self._page = page
        self._terminal = terminal
        self._verdict = verdict
        self._after = int(state["seq"])
        self._names = {user["id"]: f"@{user['name']}" for user in state["users"]}
        self._names |= {room["id"]: f"#{room['name']}" for room in state["channels"]}
        self._standing = channel_messages(state)
        self._connected = asyncio.Event()
        self._order = ThreadOrder(self._show, lambda seconds, act: asyncio.get_running_loop().call_later(seconds, act))
        self._note_connection(state["bot"])

    async def narrate(self) -> None:
        """Show the thread as it grows, until the stand-in ends."""
        for message in self._unfinished():
            self._order.take(message)
        for message in self._successes():
            self._verdict.see_message(message)
        try:
            async for event in self._page.events(self._after):
                self._follow(event)
        finally:
            self._order.flush()

    async def act(self, person: StandInPerson) -> None:
        """Have the person start the upgrade, unless there is one, and approve whatever asks for it."""
        await self._connected.wait()
        if not self._unfinished() and not self._successes():
            await person.start()
        for message in self._unfinished():
            await person.see_message(MAIN_CHANNEL, message)
        async for event in self._page.events(self._after):
            if event["kind"] in FOLLOWED and event["channel"] == MAIN_CHANNEL:
                await person.see_message(event["channel"], event["message"])
            elif event["kind"] == "views" and event["user"] == APPROVER:
                await person.see_views(event["views"])

    def _successes(self) -> list[Json]:
        return [message for message in self._standing if (finish := read_finish(message)) and finish.upgraded]

    def _unfinished(self) -> list[Json]:
        ended = {upgrade_of(message) for message in self._standing if read_finish(message)}
        return [message for message in self._standing if upgrade_of(message) not in ended]

    def _note_connection(self, bot: Json) -> None:
        if bot.get("connections") or bot.get("mode") == "http":
            self._connected.set()

    def _follow(self, event: Json) -> None:
        match event["kind"]:
            case "connection":
                self._note_connection({"connections": event["count"]})
            case "mode":
                self._note_connection(event["bot"])
            case "message" | "message_changed" if kind_of(event["message"]):
                self._order.take(event["message"])
            case "ephemeral" if event["message"]["to"] in (REQUESTER, APPROVER):
                self._terminal.show_message(event["message"], self._names)
            case _:
                return

    def _show(self, message: Json) -> None:
        self._terminal.show_message(message, self._names)
        self._verdict.see_message(message)


def channel_messages(state: Json) -> list[Json]:
    """Return the bot's messages that stand in the channel already, oldest first."""
    rooms = (room for room in state["channels"] if room["id"] == MAIN_CHANNEL)
    return [message for room in rooms for message in room["messages"] if kind_of(message)]
