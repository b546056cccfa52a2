"""files.*: the upload in two calls, and looking a file up."""

from __future__ import annotations

from sandbox.slack.from_bot.methods.chat import open_room
from sandbox.slack.values.block_rules import check_blocks
from sandbox.slack.values.elements import name_blocks
from sandbox.slack.values.shapes import Call, Json, Refusal, refuse_arguments
from sandbox.slack.workspace.workspace import Workspace


def begin_upload(workspace: Workspace, call: Call) -> Json:
    """files.getUploadURLExternal."""
    length = call.required("length")
    if not length.isdigit() or int(length) < 1:
        raise refuse_arguments("length must be a number of bytes from 1")
    stored = workspace.files.begin(call.required("filename"), int(length), workspace.cast.app.bot_user)
    return {"upload_url": f"{call.origin}/upload/v1/{stored.key}", "file_id": stored.id}


def complete_upload(workspace: Workspace, call: Call) -> Json:
    """files.completeUploadExternal: shares the files in a channel or thread where one is named."""
    asked = call.parsed("files")
    if not isinstance(asked, list) or not asked or not all(isinstance(one, dict) for one in asked):
        raise refuse_arguments("files must be an array of {id, title}")
    named = call.text("channel_id") or call.text("channels")
    room = open_room(workspace, named) if named else None
    thread = call.text("thread_ts")
    if room and thread and thread not in room.messages:
        raise Refusal("thread_not_found")
    stored = [workspace.files.complete(str(one.get("id")), str(one.get("title") or "")) for one in asked]
    files = [workspace.files.shown(one, call.origin) for one in stored]
    if room:
        fields: Json = {**workspace.author(), "text": call.text("initial_comment") or "", "files": files}
        if blocks := call.parsed("blocks"):
            fields["blocks"] = name_blocks(check_blocks(blocks, "message"))
        workspace.messages.post(room.id, fields, thread)
    return {"files": files}


def show_file(workspace: Workspace, call: Call) -> Json:
    """files.info."""
    stored = workspace.files.find(call.required("file"))
    return {"file": workspace.files.shown(stored, call.origin), "comments": []}
