"""Channels with their messages and threads, and what one person alone sees: ephemerals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.values.shapes import Json, Refusal, copy_json
from sandbox.slack.values.stamps import Stamps, read_stamp
from sandbox.slack.workspace.cast import SLACKBOT, Cast
from sandbox.slack.workspace.feed import Feed

KEPT_EPHEMERALS = 500
KEPT_REVISIONS = 20
TOMBSTONE_KEEPS = frozenset(
    {"type", "ts", "team", "thread_ts", "reply_count", "reply_users", "reply_users_count", "latest_reply"}
)


@dataclass
class Room:
    """A channel or a direct message with its messages by ts; threads are linked by thread_ts."""

    id: str
    name: str
    topic: str = ""
    has_bot: bool = True
    user: str = ""
    private: bool = False
    archived: bool = False
    messages: dict[str, Json] = field(default_factory=dict)

    def shown(self) -> Json:
        """Return the channel for the page."""
        kind = "im" if self.user else "channel"
        return {
            "id": self.id,
            "name": self.name,
            "topic": self.topic,
            "kind": kind,
            "user": self.user,
            "has_bot": self.has_bot,
            "private": self.private,
            "archived": self.archived,
            "messages": list(self.messages.values()),
        }

    def save(self) -> Json:
        """Return the room for a snapshot."""
        return dict(vars(self))


class Messages:
    """Every room's messages; each change goes to the feed as the whole message."""

    def __init__(self, cast: Cast, stamps: Stamps, feed: Feed) -> None:
        self._cast = cast
        self._stamps = stamps
        self._feed = feed
        self.rooms = {c.id: Room(c.id, c.name, c.topic, c.has_bot, private=c.private) for c in cast.channels}
        self.ephemerals: list[Json] = []
        self.revisions: dict[tuple[str, str], list[list[Json]]] = {}

    def room(self, channel: str | None) -> Room:
        """Return a channel by id, by #name, or a person's direct message by their id. Raises Refusal."""
        name = (channel or "").lstrip("#")
        if name in self.rooms:
            return self.rooms[name]
        if self._cast.person(name) and name.startswith("U"):
            return self.open_direct(name)
        found = next((room for room in self.rooms.values() if room.name == name and not room.user), None)
        if found is None:
            raise Refusal("channel_not_found")
        return found

    def by_id(self, channel: str) -> Room:
        """Return a channel by id alone, or a person's direct message. Raises Refusal: names are for posting only."""
        room = self.room(channel)
        if channel not in (room.id, room.user):
            raise Refusal("channel_not_found")
        return room

    def switch(self, channel: str, *, archived: bool | None = None, has_bot: bool | None = None) -> Room:
        """Archive a channel or open it again, invite the bot or take it out. Raises Refusal."""
        room = self.room(channel)
        room.archived = room.archived if archived is None else archived
        room.has_bot = room.has_bot if has_bot is None else has_bot
        self._feed.publish("channel", channel=room.shown())
        return room

    def open_direct(self, user: str) -> Room:
        """Return the direct message between a person and the app, opened if need be. Raises Refusal."""
        if self._cast.person(user) is None:
            raise Refusal("user_not_found")
        channel = f"D{user[1:]}"
        if channel not in self.rooms:
            self.rooms[channel] = Room(channel, self._cast.app.bot_name, user=user)
            self._feed.publish("channel", channel=self.rooms[channel].shown())
        return self.rooms[channel]

    def find(self, channel: str, ts: str) -> Json:
        """Return a message. Raises Refusal(message_not_found)."""
        message = self.room(channel).messages.get(ts)
        if message is None:
            raise Refusal("message_not_found")
        return message

    def post(self, channel: str, fields: Json, thread: str | None = None, *, broadcast: bool = False) -> Json:
        """Append a message, into a thread if one is named. Raises Refusal(thread_not_found)."""
        room = self.room(channel)
        message = {"type": "message", "ts": self._stamps.next(), "team": self._cast.team, **fields}
        if thread and thread not in room.messages:
            raise Refusal("thread_not_found")
        if thread:
            message["thread_ts"] = room.messages[thread].get("thread_ts", thread)
            root = room.messages.get(message["thread_ts"], {})
            message["parent_user_id"] = str(root.get("user") or self._cast.app.bot_user)
            if broadcast:
                message["subtype"] = "thread_broadcast"
        room.messages[message["ts"]] = message
        self._feed.publish("message", channel=room.id, message=copy_json(message))
        if thread:
            self._count_replies(room, message["thread_ts"])
        return message

    def change(self, channel: str, ts: str, fields: Json, *, drop: tuple[str, ...] = ()) -> Json:
        """Replace fields of a message, keeping its former blocks for stale clicks. Raises Refusal."""
        message = self.find(channel, ts)
        if message.get("blocks"):
            kept = self.revisions.setdefault((self.room(channel).id, ts), [])
            kept.append(message["blocks"])
            del kept[:-KEPT_REVISIONS]
        for name in drop:
            message.pop(name, None)
        message.update(fields)
        self.announce(channel, message)
        return message

    def announce(self, channel: str, message: Json) -> None:
        """Tell the feed that a message changed."""
        self._feed.publish("message_changed", channel=self.room(channel).id, message=copy_json(message))

    def delete(self, channel: str, ts: str) -> None:
        """Remove a message; of a root with replies a tombstone is left. Raises Refusal(message_not_found)."""
        message = self.find(channel, ts)
        room = self.room(channel)
        if message.get("subtype") == "tombstone":
            raise Refusal("message_not_found")
        if message.get("reply_count"):
            self._bury(room, message)
            return
        del room.messages[ts]
        self._feed.publish("message_deleted", channel=room.id, ts=ts)
        root = message.get("thread_ts")
        if root and root != ts and root in room.messages:
            self._count_replies(room, root)

    def _bury(self, room: Room, message: Json) -> None:
        kept = {name: value for name, value in message.items() if name in TOMBSTONE_KEEPS}
        message.clear()
        message.update(kept, user=SLACKBOT, subtype="tombstone", hidden=True, text="This message was deleted.")
        self.announce(room.id, message)

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Return a thread's root and replies, oldest first. Raises Refusal(thread_not_found)."""
        room = self.room(channel)
        if ts not in room.messages:
            raise Refusal("thread_not_found")
        root = room.messages[ts].get("thread_ts", ts)
        return [message for key, message in room.messages.items() if key == root or message.get("thread_ts") == root]

    def timeline(self, channel: str) -> list[Json]:
        """Return what the channel itself shows, newest first: no thread replies but broadcast ones."""
        shown = [
            message
            for message in self.room(channel).messages.values()
            if message.get("thread_ts") in (None, message["ts"]) or message.get("subtype") == "thread_broadcast"
        ]
        return sorted(shown, key=lambda message: read_stamp(message["ts"]), reverse=True)

    def whisper(self, channel: str, user: str, fields: Json, thread: str | None = None) -> Json:
        """Show something to one person only; the page drops it when the person dismisses it."""
        room = self.room(channel)
        note: Json = {"type": "message", "ts": self._stamps.next(), "channel": room.id, "to": user, **fields}
        if thread:
            note["thread_ts"] = thread
        note["is_ephemeral"] = True
        self.ephemerals.append(note)
        del self.ephemerals[:-KEPT_EPHEMERALS]
        self._feed.publish("ephemeral", message=copy_json(note))
        return note

    def notice(self, channel: str, user: str, text: str) -> Json:
        """Whisper a notice as Slack itself does, such as when an app didn't answer."""
        return self.whisper(channel, user, {"user": SLACKBOT, "text": text, "subtype": "notice"})

    def find_ephemeral(self, user: str, ts: str) -> Json | None:
        """Return what was shown to this person only."""
        return next((note for note in self.ephemerals if note["to"] == user and note["ts"] == ts), None)

    def change_ephemeral(self, note: Json, fields: Json, *, drop: tuple[str, ...] = ()) -> None:
        """Replace fields of an ephemeral."""
        for name in drop:
            note.pop(name, None)
        note.update(fields)
        self._feed.publish("ephemeral_changed", message=copy_json(note))

    def dismiss(self, user: str, ts: str) -> bool:
        """Take an ephemeral away; say whether there was one."""
        note = self.find_ephemeral(user, ts)
        if note is None:
            return False
        self.ephemerals.remove(note)
        self._feed.publish("ephemeral_deleted", to=user, ts=ts)
        return True

    def _count_replies(self, room: Room, root: str) -> None:
        message = room.messages.get(root)
        if message is None:
            return
        replies = [reply for key, reply in room.messages.items() if key != root and reply.get("thread_ts") == root]
        authors = list(dict.fromkeys(str(reply.get("user")) for reply in replies))
        counted: dict[str, Any] = {
            "thread_ts": root,
            "reply_count": len(replies),
            "reply_users": authors,
            "reply_users_count": len(authors),
            "latest_reply": replies[-1]["ts"] if replies else root,
        }
        message.update(counted)
        self.announce(room.id, message)
