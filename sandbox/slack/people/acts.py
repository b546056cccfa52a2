"""What people do in channels: commands, clicks, messages. Page, tests and terminal all come through here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sandbox.slack.from_bot.replies import apply_command_ack
from sandbox.slack.to_bot.delivery import Ack, Courier
from sandbox.slack.to_bot.payloads import (
    Payload,
    build_action,
    build_command,
    build_mention,
    build_message_action,
    build_shortcut,
    build_suggestion,
)
from sandbox.slack.values.elements import ValueFault, find_element, read_state
from sandbox.slack.values.shapes import ActFault, Json, Refusal
from sandbox.slack.workspace.cast import Person
from sandbox.slack.workspace.messages import Room
from sandbox.slack.workspace.workspace import Workspace

# What Slack makes a link of in what is typed: an address, a mail address, a name under a domain that is well known.
LINK = re.compile(
    r"(?P<address>https?://[^\s<>|]+)|(?P<mail>(?<![\w.@])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<host>(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev)(?![\w.-])(?:/[^\s<>|]*)?)"
)
NO_APP = "failed because the app did not respond"


@dataclass(frozen=True)
class Click:
    """A click on an element of a message (channel, ts), a modal (view_id) or the Home tab (home)."""

    action_id: str
    block_id: str | None = None
    channel: str = ""
    ts: str = ""
    view_id: str = ""
    home: bool = False
    value: Any = None
    values: Json | None = None
    stale: bool = False


class Acts:
    """Turns a person's act into a payload and the bot's ack into what that person sees."""

    def __init__(self, workspace: Workspace, courier: Courier) -> None:
        self._workspace = workspace
        self._courier = courier

    async def run_command(self, user: str, channel: str, text: str) -> Json:
        """Run a slash command in a channel. Raises ActFault, Refusal."""
        person, room = self._person(user), self._workspace.messages.room(channel)
        command, _, rest = text.strip().partition(" ")
        if command != self._workspace.cast.app.command:
            known = self._workspace.cast.app.command
            self._workspace.messages.notice(room.id, person.id, f"{command} is not a valid command. Try {known} help")
            raise ActFault(f"{command} is not a command of this workspace; there is {known}")
        keys = {
            "response_url": self._response_url(room, person),
            "trigger_id": self._workspace.triggers.issue(person.id),
        }
        payload = build_command(self._workspace.cast, person, room, command, self._escape(rest.strip()), keys)
        ack = await self._courier.deliver(payload)
        if not ack.ok:
            return self._failed(ack, room, person, f"`{command}` {explain(ack)}")
        try:
            apply_command_ack(self._workspace, room.id, person.id, ack.body)
        except Refusal as refusal:
            notice = f"`{command}` failed with the error `{refusal.code}`"
            self._workspace.messages.notice(room.id, person.id, notice)
        return done(ack)

    async def click(self, user: str, click: Click) -> Json:
        """Use a button, select or picker. Raises ActFault, Refusal."""
        person = self._person(user)
        room = self._workspace.messages.room(click.channel)
        message, blocks = self._find_message(room, person, click)
        block, element = locate(blocks, click)
        action = describe_use(self._workspace, block, element, click)
        keys = {
            "trigger_id": self._workspace.triggers.issue(person.id),
            "response_url": self._response_url(room, person, message),
        }
        shown = {**message, "blocks": blocks}
        state = state_of(blocks, click.values or {})
        payload = build_message_action(self._workspace.cast, person, room, shown, action, state, keys)
        ack = await self._courier.deliver(payload)
        if not ack.ok:
            return self._failed(ack, room, person, f"That button {explain(ack)}")
        return done(ack)

    async def suggest(self, user: str, click: Click) -> Json:
        """Ask the bot for the options of an external_select in a message. Raises ActFault, Refusal."""
        person, room = self._person(user), self._workspace.messages.room(click.channel)
        message, blocks = self._find_message(room, person, click)
        block, element = locate(blocks, click)
        place = {"message": message, "channel": {"id": room.id, "name": room.name}}
        typed = str(click.value or "")
        payload = build_suggestion(self._workspace.cast, person, place, element, block["block_id"], typed)
        return done(await self._courier.deliver(payload))

    async def send_raw(self, payload: Payload) -> Json:
        """Deliver a payload exactly as given, such as a forged or replayed one."""
        return done(await self._courier.deliver(payload))

    async def use_shortcut(self, user: str, channel: str, ts: str, callback: str) -> Json:
        """Choose a shortcut of the app in a message's menu. Raises ActFault, Refusal."""
        person, room = self._person(user), self._workspace.messages.room(channel)
        app = self._workspace.cast.app
        known = [shortcut.callback_id for shortcut in app.shortcuts]
        if callback not in known:
            raise ActFault(f"{app.name} has no shortcut {callback!r}; it has {', '.join(known)}")
        message = self._workspace.messages.find(room.id, ts)
        keys = {
            "trigger_id": self._workspace.triggers.issue(person.id),
            "response_url": self._response_url(room, person),
        }
        payload = build_shortcut(self._workspace.cast, person, room, message, callback, keys)
        ack = await self._courier.deliver(payload)
        return done(ack) if ack.ok else self._failed(ack, room, person, f"That shortcut {explain(ack)}")

    async def say(self, user: str, channel: str, text: str, thread: str | None) -> Json:
        """Write a plain message into a channel or thread; the bot hears where it is named. Raises ActFault, Refusal."""
        person = self._person(user)
        room = self._workspace.messages.room(channel)
        if thread and text.startswith("/"):
            command = text.split(" ")[0]
            self._workspace.messages.whisper(
                room.id,
                person.id,
                {"user": "USLACKBOT", "text": f"{command} is not supported in threads. Sorry!", "subtype": "notice"},
                thread,
            )
            return {"ok": False, "error": "slash_command_in_thread"}
        written = re.sub(r"<([@#][A-Z0-9]+)\|[^>]*>", r"<\1>", self._escape(text))
        message = self._workspace.messages.post(room.id, {"user": person.id, "text": written}, thread)
        app = self._workspace.cast.app
        if f"<@{app.bot_user}>" in written and room.has_bot and "app_mentions:read" in app.scopes:
            event = f"Ev{self._workspace.stamps.next().replace('.', '')}"
            await self._courier.deliver(build_mention(self._workspace.cast, message, room.id, person, event))
        return {"ok": True, "ts": message["ts"]}

    def _person(self, user: str) -> Person:
        return find_person(self._workspace, user)

    def _find_message(self, room: Room, person: Person, click: Click) -> tuple[Json, list[Json]]:
        message = self._workspace.messages.find_ephemeral(person.id, click.ts) or room.messages.get(click.ts)
        if message is None:
            raise ActFault(f"#{room.name} has no message {click.ts} that {person.name} could see")
        blocks = list(message.get("blocks") or [])
        if not click.stale:
            return message, blocks
        for former in reversed(self._workspace.messages.revisions.get((room.id, click.ts), [])):
            if find_element(former, click.action_id, click.block_id, click.value):
                return message, former
        raise ActFault(f"no earlier version of message {click.ts} had an action {click.action_id!r}")

    def _response_url(self, room: Room, person: Person, message: Json | None = None) -> str:
        ts = message["ts"] if message else None
        thread = message.get("thread_ts") if message else None
        key = self._workspace.triggers.open_path(room.id, person.id, ts, thread)
        return f"{self._workspace.origin}/response/{self._workspace.cast.team}/{key}"

    def _failed(self, ack: Ack, room: Room, person: Person, notice: str) -> Json:
        self._workspace.messages.notice(room.id, person.id, notice)
        return undone(ack, notice)

    def _escape(self, text: str) -> str:
        """Escape as Slack does for an app with should_escape: entities, then people, groups and channels as ids."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        names = {person.name: f"<@{person.id}|{person.name}>" for person in self._workspace.cast.members()}
        names |= {group.handle: f"<!subteam^{group.id}|@{group.handle}>" for group in self._workspace.cast.groups}
        rooms = {c.name: f"<#{c.id}|{c.name}>" for c in self._workspace.cast.channels}
        escaped = LINK.sub(_write_link, escaped)
        escaped = re.sub(r"(?<!\S)@([\w.-]+)", lambda found: names.get(found[1], found[0]), escaped)
        return re.sub(r"(?<!\S)#([\w-]+)", lambda found: rooms.get(found[1], found[0]), escaped)


def _write_link(found: re.Match[str]) -> str:
    """A link as Slack writes it: an address that was typed whole has no label."""
    if found["address"]:
        return f"<{found[0]}>"
    return f"<mailto:{found[0]}|{found[0]}>" if found["mail"] else f"<http://{found[0]}|{found[0]}>"


def find_person(workspace: Workspace, user: str) -> Person:
    """Return a member by id or name. Raises ActFault."""
    person = workspace.cast.person(user)
    if person is None or person.id == workspace.cast.app.bot_user:
        names = ", ".join(known.name for known in workspace.cast.people)
        raise ActFault(f"nobody here is called {user!r}; there are {names}")
    return person


def locate(blocks: list[Json], click: Click) -> tuple[Json, Json]:
    """Return (block, element) of a click. Raises ActFault."""
    found = find_element(blocks, click.action_id, click.block_id, click.value)
    if found is None:
        raise ActFault(f"there is no element with action_id {click.action_id!r} there now")
    return found


def describe_use(workspace: Workspace, block: Json, element: Json, click: Click) -> Json:
    """Return the payload's entry for the element used. Raises ActFault."""
    try:
        return build_action(block, element, click.value, workspace.stamps.next())
    except ValueFault as fault:
        raise ActFault(str(fault)) from fault


def state_of(blocks: list[Json], values: Json) -> Json:
    """Return state.values with what a person gave. Raises ActFault."""
    try:
        return read_state(blocks, values)
    except ValueFault as fault:
        raise ActFault(str(fault)) from fault


def explain(ack: Ack) -> str:
    """Say in Slack's words why nothing came back."""
    if ack.error == "no_connection":
        return NO_APP
    return f"failed with the error `{ack.error}`"


def done(ack: Ack) -> Json:
    """Return the control API's answer for an ack."""
    return {"ok": ack.ok, "acknowledged_in_ms": ack.ms if ack.ok else None, "ack": ack.body, "error": ack.error}


def undone(ack: Ack, notice: str) -> Json:
    """Return the answer for an act that failed, with the notice that the person sees."""
    return {**done(ack), "notice": notice}
