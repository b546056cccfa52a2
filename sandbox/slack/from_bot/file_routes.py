"""Addresses of files: the upload of the app's bytes, downloads with the bot's token, the page's own view."""

from __future__ import annotations

from aiohttp import web

from sandbox.slack.from_bot.web_api import read_token
from sandbox.slack.values.shapes import Refusal
from sandbox.slack.workspace.files import StoredFile
from sandbox.slack.workspace.workspace import Workspace


class FileRoutes:
    """Takes and gives files' bytes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of files."""
        return [
            web.post("/upload/v1/{key}", self._upload),
            web.get("/files-pri/{place}/download/{name}", self._download),
            web.get("/files-pri/{place}/{name}", self._download),
            web.get("/files/{user}/{id}/{name}", self._show),
        ]

    async def _upload(self, request: web.Request) -> web.Response:
        content = await _read_content(request)
        try:
            stored = self._workspace.files.receive(request.match_info["key"], content)
        except Refusal as refusal:
            return web.Response(status=404, text=refusal.code)
        self._workspace.inspector.add("file", f"upload {stored.name}", ok=True, request={"bytes": len(content)})
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        allowed = read_token(request, {}) == self._workspace.cast.app.bot_token
        file_id = request.match_info["place"].rpartition("-")[2]
        name = request.match_info["name"]
        self._workspace.inspector.add("file", f"download {name}", ok=allowed, note="" if allowed else "no token")
        if not allowed:
            # Slack answers its sign-in page here, with 200: a client that trusts the status takes HTML for the file.
            return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")
        return self._give(file_id)

    async def _show(self, request: web.Request) -> web.Response:
        return self._give(request.match_info["id"])

    def _give(self, file_id: str) -> web.Response:
        try:
            stored: StoredFile = self._workspace.files.find(file_id)
        except Refusal as refusal:
            return web.Response(status=404, text=refusal.code)
        return web.Response(body=stored.content, content_type="text/plain", charset="utf-8")


async def _read_content(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""
