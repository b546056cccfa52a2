"""What the bot answers to a payload itself: ack bodies and posts to a response_url."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.slack.from_bot.methods.chat import MOST_POSTED, read_content, read_metadata
from sandbox.slack.values.shapes import Call, Json, Refusal, parse_json_object
from sandbox.slack.workspace.triggers import ResponsePath
from sandbox.slack.workspace.workspace import Workspace


async def answer_response_url(workspace: Workspace, request: web.Request) -> web.Response:
    """Take a POST to a response_url; 404 with Slack's word where it is used up, expired or unknown."""
    body: Json = {}
    try:
        body = parse_json_object(await request.text())
        path = workspace.triggers.follow_path(request.match_info["key"])
        _respond(workspace, path, body)
    except ValueError:
        return _closed(workspace, body, "invalid_payload", 400)
    except Refusal as refusal:
        lost = refusal.code in ("used_url", "expired_url", "not_found")
        return _closed(workspace, body, refusal.code, 404 if lost else 400)
    workspace.inspector.add("response_url", "response_url", ok=True, request=body, response="ok")
    return web.Response(text="ok")


def apply_command_ack(workspace: Workspace, channel: str, user: str, body: Any) -> None:
    """Show the text or blocks that acknowledged a slash command. Raises Refusal."""
    if isinstance(body, str):
        body = {"text": body}
    if not isinstance(body, dict) or not body:
        return
    _show(workspace, ResponsePath(channel, user, None, None, 0.0), body)


def _respond(workspace: Workspace, path: ResponsePath, body: Json) -> None:
    if body.get("delete_original") is True:
        _delete_original(workspace, path)
        return
    if body.get("replace_original") is True and path.message:
        _replace_original(workspace, path, body)
        return
    _show(workspace, path, body)


def _delete_original(workspace: Workspace, path: ResponsePath) -> None:
    if path.message and not workspace.messages.dismiss(path.user, path.message):
        workspace.messages.delete(path.channel, path.message)


def _replace_original(workspace: Workspace, path: ResponsePath, body: Json) -> None:
    fields = _content(workspace, body)
    drop = () if "blocks" in fields else ("blocks",)
    assert path.message is not None
    note = workspace.messages.find_ephemeral(path.user, path.message)
    if note is not None:
        workspace.messages.change_ephemeral(note, fields, drop=drop)
        return
    workspace.messages.change(path.channel, path.message, fields, drop=drop)


def _show(workspace: Workspace, path: ResponsePath, body: Json) -> None:
    fields = {**workspace.author(), **_content(workspace, body)}
    thread = body.get("thread_ts") or path.thread
    if body.get("response_type") == "in_channel":
        if metadata := read_metadata(Call("response_url", body, workspace.origin)):
            fields["metadata"] = metadata
        workspace.messages.post(path.channel, fields, thread)
        return
    workspace.messages.whisper(path.channel, path.user, fields, thread)


def _content(workspace: Workspace, body: Json) -> Json:
    return read_content(Call("response_url", body, workspace.origin), MOST_POSTED)


def _closed(workspace: Workspace, body: Json, code: str, status: int) -> web.Response:
    workspace.inspector.add("response_url", "response_url", ok=False, request=body, response=code, note=code)
    return web.Response(text=code, status=status)
