"""The release server: signed archives over HTTP the way Cloud Storage serves them, with switches that break it."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.release.archives import PLATFORMS, VERSIONS, archive_name, find_archive
from sandbox.release.signing import SigningKey
from sandbox.release.switches import ReleaseSwitches
from sandbox.web.switchboard import add_switches

FOLDER = "/gke-release/asm"
CHUNK = 64 * 1024
SINGLE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Download:
    """One file on offer."""

    name: str
    content: bytes
    etag: str = field(repr=False)

    @classmethod
    def of(cls, name: str, content: bytes) -> Download:
        """Describe a file; its ETag changes with its bytes."""
        return cls(name, content, f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"')


@dataclass
class ReleaseServer:
    """Serves `/gke-release/asm/istio-VERSION-PLATFORM` and `.1.sig`; `/control/releases` reads and sets switches.

    `requests` holds the path and Range header of each download asked for, for tests and for the inspector.
    """

    key: SigningKey
    switches: ReleaseSwitches = field(default_factory=ReleaseSwitches)
    requests: list[tuple[str, str]] = field(default_factory=list)
    _built: dict[tuple[str, str, float], Download] = field(default_factory=dict)
    _building: asyncio.Lock = field(default_factory=asyncio.Lock)

    def app(self) -> web.Application:
        """Return the site."""
        app = web.Application()
        app.router.add_get(f"{FOLDER}/{{name}}", self._send)
        add_switches(app, "/control/releases", self.switches)
        return app

    async def _send(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.requests.append((name, request.headers.get("Range", "")))
        if self.switches.status:
            return web.Response(status=self.switches.status, text="switched on in the sandbox\n")
        if self.switches.redirect:
            return web.Response(status=302, headers={"Location": f"{self.switches.redirect}{request.path}"})
        download = await self._download(name)
        if download is None:
            return _missing(name)
        try:
            part = requested_slice(request.headers, download.etag, len(download.content), self.switches.ignore_range)
        except NotSatisfiable:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(download.content)}"})
        return await self._stream(request, download, part)

    async def _download(self, name: str) -> Download | None:
        signature = name.endswith(".1.sig")
        if signature and self.switches.drop_signature:
            return None
        archive = await self._archive(name.removesuffix(".1.sig"))
        if archive is None:
            return None
        if signature:
            return Download.of(name, await asyncio.to_thread(self.key.sign, archive.content))
        return _tampered(archive) if self.switches.tamper else archive

    async def _archive(self, name: str) -> Download | None:
        wanted = ((version, platform) for version in VERSIONS for platform in PLATFORMS)
        found = next((pair for pair in wanted if archive_name(*pair) == name), None)
        if found is None:
            return None
        fault, pace = self.switches.tool_fault, self.switches.tool_pace
        async with self._building:
            built = self._built.get((name, fault, pace))
            if built is None:
                built = Download.of(name, await asyncio.to_thread(find_archive, *found, fault, pace))
                self._built[(name, fault, pace)] = built
        return built

    async def _stream(self, request: web.Request, download: Download, part: Slice) -> web.StreamResponse:
        headers = {"ETag": download.etag, "Content-Type": "application/octet-stream"}
        if not self.switches.ignore_range:
            headers["Accept-Ranges"] = "bytes"
        if part.partial:
            headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{len(download.content)}"
        response = web.StreamResponse(status=206 if part.partial else 200, headers=headers)
        response.content_length = part.end - part.start
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        async for chunk in self._chunks(download.content, part):
            await response.write(chunk)
        if self.switches.truncate and part.end > self.switches.truncate:
            _cut(request)
            return response
        await response.write_eof()
        return response

    async def _chunks(self, content: bytes, part: Slice) -> AsyncIterator[bytes]:
        end = min(part.end, self.switches.truncate or part.end)
        start = part.start
        while start < end:
            pace = self.switches.bytes_per_second
            size = min(CHUNK, max(1, pace // 10)) if pace else CHUNK
            yield content[start : min(start + size, end)]
            start += size
            if pace:
                await asyncio.sleep(size / pace)


def _tampered(archive: Download) -> Download:
    return Download.of(archive.name, archive.content[:-1] + bytes([archive.content[-1] ^ 1]))


def _missing(name: str) -> web.Response:
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code><Details>{name}</Details></Error>"
    return web.Response(status=404, text=text, content_type="application/xml")


def _cut(request: web.Request) -> None:
    """End the connection without the promised rest, as a dropped line does."""
    if request.transport is not None:
        request.transport.close()


class NotSatisfiable(Exception):
    """The range lies outside the file: the answer is 416."""


@dataclass(frozen=True)
class Slice:
    """Bytes `start` up to, not including, `end`; `partial` tells a 206 from a 200."""

    start: int
    end: int
    partial: bool


def requested_slice(headers: Mapping[str, str], etag: str, size: int, ignore_range: bool = False) -> Slice:
    """Return the bytes to send. Raises NotSatisfiable; a range that isn't one single range is ignored."""
    whole = Slice(0, size, partial=False)
    if ignore_range or headers.get("If-Range", etag) != etag:
        return whole
    match = SINGLE_RANGE.fullmatch(headers.get("Range", ""))
    if match is None or not any(match.groups()):
        return whole
    first, last = match.groups()
    if not first:
        return _suffix(int(last), size)
    start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= size:
        raise NotSatisfiable
    return Slice(start, end, partial=True) if start < end else whole


def _suffix(length: int, size: int) -> Slice:
    if not length or not size:
        raise NotSatisfiable
    return Slice(max(0, size - length), size, partial=True)
