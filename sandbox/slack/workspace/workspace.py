"""The workspace: everything the stand-in remembers, joined once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from sandbox.slack.values.shapes import Json
from sandbox.slack.values.stamps import Ids, Stamps
from sandbox.slack.workspace.cast import Cast
from sandbox.slack.workspace.faults import Faults
from sandbox.slack.workspace.feed import Feed
from sandbox.slack.workspace.files import Files
from sandbox.slack.workspace.inspector import Inspector
from sandbox.slack.workspace.limits import RateLimiter
from sandbox.slack.workspace.messages import Messages, Room
from sandbox.slack.workspace.surfaces import Surfaces
from sandbox.slack.workspace.triggers import Triggers


class Workspace:
    """One Slack workspace. `origin` is the address under which the bot reaches the stand-in."""

    def __init__(self, clock: Callable[[], float], cast: Cast, *, rate_limits: bool) -> None:
        self.clock = clock
        self.cast = cast
        self.origin = ""
        self.feed = Feed()
        self.stamps = Stamps(clock)
        self.ids = Ids()
        self.inspector = Inspector(clock, self.feed)
        self.messages = Messages(cast, self.stamps, self.feed)
        self.surfaces = Surfaces(cast, self.stamps, self.ids, self.feed)
        self.files = Files(cast, clock, self.ids)
        self.triggers = Triggers(clock)
        self.limits = RateLimiter(clock, enabled=rate_limits)
        self.faults = Faults()

    def author(self) -> Json:
        """Return the fields that mark a message as the app's own."""
        app = self.cast.app
        profile = {"id": app.bot_id, "app_id": app.id, "name": app.name, "team_id": self.cast.team, "deleted": False}
        return {"user": app.bot_user, "bot_id": app.bot_id, "app_id": app.id, "bot_profile": profile}

    def shown(self) -> Json:
        """Return the whole state for the page and for tests."""
        cast, app = self.cast, self.cast.app
        return {
            "seq": self.feed.seq,
            "now": self.clock(),
            "team": {"id": cast.team, "name": cast.team_name},
            "app": {
                "id": app.id,
                "name": app.name,
                "bot_user": app.bot_user,
                "bot_name": app.bot_name,
                "command": app.command,
                "description": app.description,
                "usage_hint": app.usage_hint,
                "shortcuts": [asdict(shortcut) for shortcut in app.shortcuts],
            },
            "users": [asdict(person) for person in cast.people],
            "groups": [asdict(group) for group in cast.groups],
            "channels": [room.shown() for room in self.messages.rooms.values()],
            "ephemerals": list(self.messages.ephemerals),
            "views": self.surfaces.shown(),
            "homes": self.surfaces.homes,
            "files": [self.files.shown(stored, self.origin) for stored in self.files.stored.values() if stored.shared],
            "faults": self.faults.shown(),
            "rate_limits": self.limits.enabled,
        }

    def save(self) -> Json:
        """Return what survives a restart; open modals and short-lived permissions don't."""
        return {
            "last_stamp": self.stamps.last,
            "id_count": self.ids.count,
            "rooms": [room.save() for room in self.messages.rooms.values()],
            "ephemerals": self.messages.ephemerals,
            "homes": self.surfaces.homes,
            "files": self.files.save(),
        }

    def restore(self, saved: Json) -> None:
        """Take back what `save` returned. Raises KeyError, TypeError where it is something else."""
        self.stamps.last = int(saved["last_stamp"])
        self.ids.count = int(saved["id_count"])
        for fields in saved["rooms"]:
            self.messages.rooms[fields["id"]] = Room(**fields)
        self.messages.ephemerals[:] = saved["ephemerals"]
        self.surfaces.homes.update(saved["homes"])
        self.files.restore(saved["files"])
