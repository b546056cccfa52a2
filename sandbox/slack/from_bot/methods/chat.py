"""chat.*: posting, editing and deleting the app's messages. Errors as docs.slack.dev/methods lists them."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.slack.values.block_rules import check_blocks
from sandbox.slack.values.elements import name_blocks
from sandbox.slack.values.shapes import Call, Json, Refusal, copy_json, refuse_arguments
from sandbox.slack.workspace.messages import Room
from sandbox.slack.workspace.workspace import Workspace

MOST_POSTED = 40_000
MOST_UPDATED = 4_000
MOST_METADATA = 16_000
EVENT_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,255}")


def post_message(workspace: Workspace, call: Call) -> Json:
    """chat.postMessage."""
    room = open_room(workspace, call.required("channel"))
    fields = read_content(call, MOST_POSTED)
    if metadata := read_metadata(call):
        fields["metadata"] = metadata
    message = workspace.messages.post(
        room.id,
        {**workspace.author(), **fields},
        call.text("thread_ts"),
        broadcast=call.flag("reply_broadcast"),
    )
    return {"channel": room.id, "ts": message["ts"], "message": copy_json(message)}


def update_message(workspace: Workspace, call: Call) -> Json:
    """chat.update: text without blocks removes the blocks, blocks without text keep the text."""
    room = workspace.messages.by_id(call.required("channel"))
    ts = call.required("ts")
    message = workspace.messages.find(room.id, ts)
    if message.get("bot_id") != workspace.cast.app.bot_id:
        raise Refusal("cant_update_message")
    fields = read_content(call, MOST_UPDATED, blocks_keep_text=True)
    if call.parsed("metadata") is not None:
        fields["metadata"] = read_metadata(call)
    drop: tuple[str, ...] = ()
    if "blocks" not in fields:
        drop = ("blocks",)
        fields["edited"] = {"user": workspace.cast.app.bot_user, "ts": workspace.stamps.next()}
    changed = workspace.messages.change(room.id, ts, fields, drop=drop)
    return {"channel": room.id, "ts": ts, "text": changed.get("text", ""), "message": copy_json(changed)}


def delete_message(workspace: Workspace, call: Call) -> Json:
    """chat.delete."""
    room = workspace.messages.by_id(call.required("channel"))
    ts = call.required("ts")
    if workspace.messages.find(room.id, ts).get("bot_id") != workspace.cast.app.bot_id:
        raise Refusal("cant_delete_message")
    workspace.messages.delete(room.id, ts)
    return {"channel": room.id, "ts": ts}


def post_ephemeral(workspace: Workspace, call: Call) -> Json:
    """chat.postEphemeral."""
    room = open_room(workspace, call.required("channel"))
    person = workspace.cast.person(call.required("user"))
    if person is None or person.deleted:
        raise Refusal("user_not_in_channel")
    fields = read_content(call, MOST_POSTED)
    note = workspace.messages.whisper(room.id, person.id, {**workspace.author(), **fields}, call.text("thread_ts"))
    return {"message_ts": note["ts"]}


def get_permalink(workspace: Workspace, call: Call) -> Json:
    """chat.getPermalink."""
    room = workspace.messages.by_id(call.required("channel"))
    ts = call.required("message_ts")
    message = workspace.messages.find(room.id, ts)
    link = f"{call.origin}/archives/{room.id}/p{ts.replace('.', '')}"
    if message.get("thread_ts", ts) != ts:
        link += f"?thread_ts={message['thread_ts']}&cid={room.id}"
    return {"channel": room.id, "permalink": link}


def open_room(workspace: Workspace, channel: str) -> Room:
    """Return a channel that the bot may post to. Raises Refusal."""
    room = workspace.messages.room(channel)
    if not room.has_bot:
        raise Refusal("channel_not_found" if room.private else "not_in_channel")
    if room.archived:
        raise Refusal("is_archived")
    return room


def read_content(call: Call, most_text: int, *, blocks_keep_text: bool = False) -> Json:
    """Return text, blocks and attachments of a call, checked. Raises Refusal."""
    text = call.text("text")
    blocks = call.parsed("blocks")
    attachments = call.parsed("attachments")
    markdown = call.text("markdown_text")
    if markdown and (text or blocks):
        raise Refusal("markdown_text_conflict")
    if markdown:
        blocks = [{"type": "markdown", "text": markdown}]
    if not text and not blocks and not attachments:
        raise Refusal("no_text")
    if text and len(text) > most_text:
        raise Refusal("msg_too_long")
    fields: Json = {} if blocks_keep_text and blocks and not text else {"text": text or ""}
    if blocks:
        fields["blocks"] = name_blocks(check_blocks(blocks, "message"))
    if attachments:
        fields["attachments"] = _check_attachments(attachments)
    return fields


def read_metadata(call: Call) -> Json | None:
    """Return a call's metadata, checked; an empty object means none. Raises Refusal."""
    metadata = call.parsed("metadata")
    if not metadata:
        return None
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload", "entities"}:
        raise Refusal("invalid_metadata_format")
    kind, content = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not EVENT_TYPE.fullmatch(kind) or not isinstance(content, dict):
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(metadata)) > MOST_METADATA:
        raise Refusal("metadata_too_large")
    return {"event_type": kind, "event_payload": content}


def _check_attachments(attachments: Any) -> list[Json]:
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise refuse_arguments("attachments must be an array of objects", code="invalid_attachments")
    if len(attachments) > 100:
        raise Refusal("too_many_attachments")
    for attachment in attachments:
        if attachment.get("blocks"):
            attachment["blocks"] = name_blocks(check_blocks(attachment["blocks"], "message"))
    return attachments
