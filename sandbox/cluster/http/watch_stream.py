"""Streaming a watch: what exists, what changes, bookmarks, and the ways it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import msgspec
from aiohttp import web

from sandbox.cluster.api.answers import Shape, read_shape, show_object
from sandbox.cluster.api.reading import read_filter, select_objects
from sandbox.cluster.api.requests import ApiRequest, is_true
from sandbox.cluster.api.watches import Filter
from sandbox.cluster.http.moments import show_moments
from sandbox.cluster.objects.errors import ApiError, expired, failed
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.simulation import Simulation

DEFAULT_TIMEOUT_SECONDS = 1800.0


class WatchCursor:
    """Where one watch is: everything up to `revision` has been sent."""

    def __init__(self, cluster: Simulation, asked: ApiRequest) -> None:
        self._cluster = cluster
        self._asked = asked
        self._filter: Filter = read_filter(asked)
        self._shape: Shape = read_shape(asked.accept, asked.query)
        self._initial = asked.query.get("resourceVersion", "") in ("", "0")
        self.revision = 0 if self._initial else _revision(asked.query["resourceVersion"])

    @property
    def has_expired(self) -> bool:
        """Whether changes that have not been sent may be forgotten."""
        return not self._initial and self._cluster.store.is_compacted(self.revision)

    def pending(self) -> list[Json]:
        """Return the events since the last call and move on."""
        return list(self._initial_events() if self._initial else self._changes())

    def bookmark(self) -> Json:
        """Return a BOOKMARK event: nothing but a resourceVersion."""
        target = self._asked.target
        metadata = {"resourceVersion": str(self.revision), "creationTimestamp": None}
        api = target.resource.api_version(target.version)
        return {"type": "BOOKMARK", "object": {"kind": target.resource.kind, "apiVersion": api, "metadata": metadata}}

    def _initial_events(self) -> Iterator[Json]:
        self._initial = False
        self.revision = self._cluster.store.revision
        for obj in select_objects(self._cluster.api, self._asked):
            yield self._event("ADDED", obj)

    def _changes(self) -> Iterator[Json]:
        changes = self._cluster.store.changes_after(self._asked.target.resource.key, self.revision)
        self.revision = max(self.revision, self._cluster.store.revision)
        for change in changes:
            found = self._filter.event(change)
            if found is not None:
                yield self._event(*found)

    def _event(self, kind: str, obj: Json) -> Json:
        target = self._asked.target
        shown = show_object(target.resource, target.version, obj, self._shape, self._cluster.api.now())
        if self._asked.by_person:
            shown = show_moments(shown, self._cluster.lead())
        return {"type": kind, "object": shown}


async def stream_watch(cluster: Simulation, request: web.Request, asked: ApiRequest) -> web.StreamResponse:
    """Answer a watch until its timeout, its expiry or the client's departure."""
    with cluster.lock:
        cursor = WatchCursor(cluster, asked)
        if cursor.has_expired and cluster.faults.watch_expiry == "status":
            raise _too_old(cursor, cluster)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    rung = asyncio.Event()
    stop = cluster.bell.register(asked.target.resource.key, rung)
    cluster.open_watches.add(rung)
    try:
        # The client may leave at any time.
        with contextlib.suppress(ConnectionResetError):
            await _pump(cluster, cursor, response, rung, asked)
            await response.write_eof()
    finally:
        stop()
        cluster.open_watches.discard(rung)
    return response


async def _pump(
    cluster: Simulation, cursor: WatchCursor, response: web.StreamResponse, rung: asyncio.Event, asked: ApiRequest
) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + float(asked.query.get("timeoutSeconds") or DEFAULT_TIMEOUT_SECONDS)
    bookmarks = is_true(asked.query.get("allowWatchBookmarks"))
    next_bookmark = loop.time() + cluster.bookmark_seconds
    while not cluster.closing:
        rung.clear()
        with cluster.lock:
            gone = cursor.has_expired
            events = [] if gone or cluster.faults.silent_watches else cursor.pending()
            refusal = _too_old(cursor, cluster).status() if gone else None
        if refusal is not None:
            await _send(response, [{"type": "ERROR", "object": refusal}])
            return
        if bookmarks and loop.time() >= next_bookmark:
            events.append(cursor.bookmark())
            next_bookmark = loop.time() + cluster.bookmark_seconds
        await _send(response, events)
        left = end - loop.time()
        if left <= 0:
            return
        wait = min(left, next_bookmark - loop.time()) if bookmarks else left
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(rung.wait(), max(wait, 0.001))


async def _send(response: web.StreamResponse, events: list[Json]) -> None:
    if events:
        await response.write(b"".join(msgspec.json.encode(event) + b"\n" for event in events))


def _too_old(cursor: WatchCursor, cluster: Simulation) -> ApiError:
    return expired(f"too old resource version: {cursor.revision} ({cluster.store.compacted + 1})")


def _revision(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise failed(f'resourceVersion: Invalid value: "{text}": {why}') from None
