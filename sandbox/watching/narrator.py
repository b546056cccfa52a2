"""Follows the Slack stand-in: shows the thread, lets the stand-in person act, and feeds the verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sandbox.slack.workspace.cast import MAIN_CHANNEL
from sandbox.watching.messages import is_going_on, kind_of, read_finish, upgrade_of
from sandbox.watching.outcome import Verdict
from sandbox.watching.person import APPROVER, REQUESTER, StandInPerson
from sandbox.watching.slack_page import SlackPage
from sandbox.watching.terminal import Terminal

Json = dict[str, Any]

FOLLOWED = ("message", "message_changed")
# An edit comes later than the posts that follow it; beyond this it is not waited for.
HELD_SECONDS = 5.0


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


class ThreadOrder:
    """Passes messages on to `show`; `later` calls a function after so many seconds."""

    def __init__(self, show: Callable[[Json], None], later: Callable[[float, Callable[[], None]], object]) -> None:
        self._show = show
        self._later = later
        self._shown: set[str] = set()
        self._going_on: set[str] = set()
        self._held: dict[str, Json] = {}

    def take(self, message: Json) -> None:
        """Show a message or an edit, now or once what stands above it has ended."""
        ts = message["ts"]
        if ts not in self._shown and self._going_on and kind_of(message) != "root":
            if ts not in self._held:
                self._later(HELD_SECONDS, lambda: self._give_up(ts))
            self._held[ts] = message
            return
        self._pass_on(message)
        self._release()

    def flush(self) -> None:
        """Show whatever is held."""
        self._going_on.clear()
        self._release()

    def _release(self) -> None:
        while self._held and not self._going_on:
            self._pass_on(self._held.pop(next(iter(self._held))))

    def _give_up(self, ts: str) -> None:
        """What stands above has stood for long enough: it is a question that is open, or work that goes on."""
        while ts in self._held:
            self._going_on.clear()
            self._pass_on(self._held.pop(next(iter(self._held))))
        self._release()

    def _pass_on(self, message: Json) -> None:
        ts = message["ts"]
        self._shown.add(ts)
        (self._going_on.add if is_going_on(message) else self._going_on.discard)(ts)
        self._show(message)
