"""The Kubernetes API for what stands around a cluster: asyncio, raw objects, watches that restart by themselves."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp

from sandbox.attached.access import Access

Json = dict[str, Any]
MERGE = "application/merge-patch+json"
WATCH_SECONDS = 240
REST_SECONDS = 0.2
SEND_SECONDS = 30.0
log = logging.getLogger(__name__)


class Refused(RuntimeError):
    """The API server answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """Requests to one API server."""

    def __init__(self, access: Access, agent: str = "asm-upgrade-sandbox") -> None:
        self.access = access
        self._agent = agent
        self._served: dict[tuple[str, str], Json] = {}
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=100, ssl=self.access.trust())
        limits = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=WATCH_SECONDS + 30)
        headers = {"User-Agent": self._agent}
        self._session = aiohttp.ClientSession(
            connector=connector, headers=headers, timeout=limits, read_bufsize=2**22, trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> Json:
        """One request, repeated while the server throttles. Raises Refused, aiohttp.ClientError and TimeoutError."""
        data = None if body is None else json.dumps(body)
        while True:
            headers = {"Content-Type": kind or "application/json", **self.access.headers()}
            async with (
                asyncio.timeout(SEND_SECONDS),
                self._session.request(
                    method, self.access.server + path, data=data, headers=headers, server_hostname=self._name
                ) as answer,
            ):
                text = await answer.text()
            if answer.status == 429:
                await asyncio.sleep(REST_SECONDS)
                continue
            if answer.status >= 400:
                raise Refused(answer.status, _message(text))
            return dict(json.loads(text))

    async def find(self, path: str) -> Json | None:
        """The object under a path, None where there is none."""
        try:
            return await self.send("GET", path)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    async def list_marked(self, path: str, selector: str) -> list[Json]:
        """The objects under a path that a label selector takes; none where the kind isn't served."""
        found = await self.find(f"{path}?{urlencode({'labelSelector': selector})}")
        return list((found or {}).get("items") or ())

    async def delete(self, path: str) -> None:
        """Delete an object; one that is gone is fine."""
        try:
            await self.send("DELETE", path, {"propagationPolicy": "Background"})
        except Refused as error:
            if error.status not in (404, 409):
                raise

    async def find_collection(self, made: Mapping[str, Any]) -> str | None:
        """The path that objects of this kind and namespace are created under, None while it isn't served."""
        version, kind = str(made["apiVersion"]), str(made["kind"])
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if (version, kind) not in self._served:
            rows = (await self.find(base) or {}).get("resources") or ()
            self._served |= {(version, row["kind"]): row for row in rows if "/" not in row["name"]}
        row = self._served.get((version, kind))
        if row is None:
            return None
        space = f"/namespaces/{made['metadata']['namespace']}" if row["namespaced"] else ""
        return f"{base}{space}/{row['name']}"

    @property
    def _name(self) -> str | None:
        return self.access.server_name

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
        headers, url = self.access.headers(), self.access.server + path
        async with self._session.get(url, params=query, headers=headers, server_hostname=self._name) as answer:
            if answer.status >= 400:
                raise Refused(answer.status, await answer.text())
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise Refused(int(event["object"].get("code", 0)), event["object"].get("message", ""))
                if event["type"] in ("ADDED", "MODIFIED"):
                    yield event["object"]


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:300]
