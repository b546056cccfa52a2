"""auth.*, users.*, usergroups.*, reactions.*: who is who."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.slack.values.shapes import Call, Json, Refusal, copy_json
from sandbox.slack.workspace.cast import Person, UserGroup
from sandbox.slack.workspace.workspace import Workspace

REACTION = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")
MOST_REACTIONS = 23


def test_token(workspace: Workspace, call: Call) -> Json:
    """auth.test."""
    cast = workspace.cast
    return {
        "url": f"{call.origin}/",
        "team": cast.team_name,
        "user": cast.app.bot_name,
        "team_id": cast.team,
        "user_id": cast.app.bot_user,
        "bot_id": cast.app.bot_id,
        "is_enterprise_install": False,
    }


def show_person(workspace: Workspace, call: Call) -> Json:
    """users.info."""
    person = workspace.cast.person(call.required("user"))
    if person is None:
        raise Refusal("user_not_found")
    return {"user": describe_person(person, workspace.clock())}


def list_groups(workspace: Workspace, call: Call) -> Json:
    """usergroups.list."""
    with_members = call.flag("include_users")
    groups = [_described(workspace, group) for group in workspace.cast.groups]
    for group, shown in zip(workspace.cast.groups, groups, strict=True):
        if with_members:
            shown["users"] = list(group.members)
    return {"usergroups": groups}


def list_group_members(workspace: Workspace, call: Call) -> Json:
    """usergroups.users.list."""
    wanted = call.required("usergroup")
    group = next((group for group in workspace.cast.groups if group.id == wanted), None)
    if group is None:
        raise Refusal("no_such_subteam")
    return {"users": list(group.members)}


def add_reaction(workspace: Workspace, call: Call) -> Json:
    """reactions.add by the bot."""
    name, channel, ts = call.required("name"), call.required("channel"), call.required("timestamp")
    if not REACTION.fullmatch(name):
        raise Refusal("invalid_name")
    message = workspace.messages.find(channel, ts)
    reactions: list[Json] = copy_json(message.get("reactions", []))
    bot = workspace.cast.app.bot_user
    known = next((reaction for reaction in reactions if reaction["name"] == name), None)
    if known is not None and bot in known["users"]:
        raise Refusal("already_reacted")
    if known is None:
        if len(reactions) >= MOST_REACTIONS:
            raise Refusal("too_many_emoji")
        known = {"name": name, "users": [], "count": 0}
        reactions.append(known)
    known["users"].append(bot)
    known["count"] = len(known["users"])
    message["reactions"] = reactions
    workspace.messages.announce(channel, message)
    return {}


def describe_person(person: Person, now: float) -> Json:
    """Return a user object as Slack writes one."""
    zone = ZoneInfo(person.timezone)
    moment = datetime.fromtimestamp(now, zone)
    offset = moment.utcoffset()
    profile = {
        "title": person.title,
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.name,
        "display_name_normalized": person.name,
        "team": person.team,
    }
    return {
        "id": person.id,
        "team_id": person.team,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": person.deleted,
        "tz": person.timezone,
        "tz_label": moment.tzname(),
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": person.is_ultra_restricted,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


def _described(workspace: Workspace, group: UserGroup) -> Json:
    return {
        "id": group.id,
        "team_id": workspace.cast.team,
        "is_usergroup": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 0,
        "date_update": 0,
        "date_delete": 0,
        "user_count": len(group.members),
    }
