"""The Kubernetes API for the fleet: asyncio, raw objects, watches that start anew by themselves."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from sandbox.release.tools.kube_api import read_access

Json = dict[str, Any]
MERGE = "application/merge-patch+json"
WATCH_SECONDS = 240
REST_SECONDS = 0.2
log = logging.getLogger(__name__)


class Refused(Exception):
    """The API server answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """Requests to one API server."""

    def __init__(self, kubeconfig: Path) -> None:
        access = read_access(str(kubeconfig))
        self._url = access.server
        self._verify: ssl.SSLContext | bool = access.verify or True
        self._headers = {"Authorization": f"Bearer {access.bearer()}", "User-Agent": "node-fleet"}
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=100, ssl=self._verify)
        limits = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=WATCH_SECONDS + 30)
        self._session = aiohttp.ClientSession(
            self._url, connector=connector, headers=self._headers, timeout=limits, read_bufsize=2**22
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> Json:
        """One request, repeated while the server throttles. Raises Refused and aiohttp.ClientError."""
        headers = {"Content-Type": kind or "application/json"}
        while True:
            data = None if body is None else json.dumps(body)
            async with self._session.request(method, path, data=data, headers=headers) as answer:
                text = await answer.text()
                if answer.status == 429:
                    await asyncio.sleep(REST_SECONDS)
                    continue
                if answer.status >= 400:
                    raise Refused(answer.status, text[:300])
                return dict(json.loads(text))

    async def follow(self, path: str) -> AsyncIterator[Json]:
        """Every object under a path, and again whenever it changes; deleted ones are left out. Never ends."""
        while True:
            try:
                async for found in self._follow_once(path):
                    yield found
            except (Refused, aiohttp.ClientError, TimeoutError, ValueError) as error:
                log.info("watch of %s starts anew: %s", path, error)
                await asyncio.sleep(REST_SECONDS)

    async def _follow_once(self, path: str) -> AsyncIterator[Json]:
        listed = await self.send("GET", path)
        for item in listed["items"]:
            yield item
        version = listed["metadata"]["resourceVersion"]
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(WATCH_SECONDS)}
        async with self._session.get(path, params=query) as answer:
            if answer.status >= 400:
                raise Refused(answer.status, await answer.text())
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise Refused(int(event["object"].get("code", 0)), event["object"].get("message", ""))
                if event["type"] in ("ADDED", "MODIFIED"):
                    yield event["object"]
