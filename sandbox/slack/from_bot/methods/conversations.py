"""conversations.*: reading channels and threads, opening direct messages."""

from __future__ import annotations

from sandbox.slack.values.shapes import Call, Json, Refusal, copy_json
from sandbox.slack.values.stamps import read_stamp
from sandbox.slack.workspace.messages import Room
from sandbox.slack.workspace.workspace import Workspace

MOST_LISTED = 999
DEFAULT_LISTED = 100


def list_history(workspace: Workspace, call: Call) -> Json:
    """conversations.history: newest first, no thread replies."""
    room = _readable(workspace, call.required("channel"), "history")
    chosen = [message for message in workspace.messages.timeline(room.id) if _between(call, message["ts"])]
    page, cursor = _page(call, chosen)
    return {
        "messages": [_shown(message, call) for message in page],
        "has_more": bool(cursor),
        "pin_count": 0,
        "response_metadata": {"next_cursor": cursor},
    }


def list_replies(workspace: Workspace, call: Call) -> Json:
    """conversations.replies: the root, then its replies, oldest first."""
    room = _readable(workspace, call.required("channel"), "history")
    root, *replies = workspace.messages.thread(room.id, call.required("ts"))
    page, cursor = _page(call, [message for message in replies if _between(call, message["ts"])])
    return {
        "messages": [_shown(message, call) for message in (root, *page)],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }


def show_channel(workspace: Workspace, call: Call) -> Json:
    """conversations.info."""
    return {"channel": _described(workspace, _readable(workspace, call.required("channel"), "read"))}


def list_channels(workspace: Workspace, call: Call) -> Json:
    """conversations.list: public channels, as the default types say."""
    rooms = [room for room in workspace.messages.rooms.values() if not room.user and not room.private]
    page, cursor = _page(call, [{"ts": "0.0", "room": room} for room in rooms])
    channels = [_described(workspace, entry["room"]) for entry in page]
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


def open_direct(workspace: Workspace, call: Call) -> Json:
    """conversations.open with one person."""
    if channel := call.text("channel"):
        return {"channel": {"id": workspace.messages.room(channel).id}}
    users = [user for user in (call.text("users") or "").split(",") if user]
    if not users:
        raise Refusal("users_list_not_supplied")
    if len(users) > 1:
        raise Refusal("too_many_users")
    known = users[0] in {room.user for room in workspace.messages.rooms.values()}
    person = workspace.cast.person(users[0])
    if person is not None and person.deleted:
        raise Refusal("user_disabled")
    room = workspace.messages.open_direct(users[0])
    return {"channel": {"id": room.id}, "no_op": known, "already_open": known}


def _readable(workspace: Workspace, channel: str, right: str) -> Room:
    room = workspace.messages.by_id(channel)
    if room.private and not room.has_bot:
        raise Refusal("channel_not_found")
    scope = f"{'im' if room.user else 'groups' if room.private else 'channels'}:{right}"
    if scope not in workspace.cast.app.scopes:
        raise Refusal("missing_scope", needed=scope, provided=",".join(workspace.cast.app.scopes))
    if not room.has_bot and right == "history":
        raise Refusal("not_in_channel")
    return room


def _between(call: Call, ts: str) -> bool:
    oldest, latest = _stamp(call, "oldest"), _stamp(call, "latest")
    at = read_stamp(ts)
    if call.flag("inclusive"):
        return (oldest is None or at >= oldest) and (latest is None or at <= latest)
    return (oldest is None or at > oldest) and (latest is None or at < latest)


def _stamp(call: Call, name: str) -> int | None:
    value = call.text(name)
    try:
        return read_stamp(value) if value else None
    except ValueError:
        raise Refusal(f"invalid_ts_{name}") from None


def _page(call: Call, entries: list[Json]) -> tuple[list[Json], str]:
    cursor = call.text("cursor") or "next:0"
    start = cursor.removeprefix("next:")
    if not cursor.startswith("next:") or not start.isdigit():
        raise Refusal("invalid_cursor")
    first = int(start)
    last = first + call.number("limit", DEFAULT_LISTED, MOST_LISTED)
    return entries[first:last], f"next:{last}" if last < len(entries) else ""


def _shown(message: Json, call: Call) -> Json:
    shown = copy_json(message)
    if not call.flag("include_all_metadata"):
        shown.pop("metadata", None)
    return shown


def _described(workspace: Workspace, room: Room) -> Json:
    if room.user:
        return {"id": room.id, "is_im": True, "user": room.user, "is_org_shared": False, "created": 0}
    return {
        "id": room.id,
        "name": room.name,
        "name_normalized": room.name,
        "is_channel": True,
        "is_im": False,
        "is_private": room.private,
        "is_archived": room.archived,
        "is_member": room.has_bot,
        "is_ext_shared": False,
        "context_team_id": workspace.cast.team,
        "topic": {"value": room.topic, "creator": "", "last_set": 0},
        "purpose": {"value": room.topic, "creator": "", "last_set": 0},
        "num_members": len(workspace.cast.people),
        "created": 0,
    }
