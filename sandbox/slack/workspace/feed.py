"""The feed: everything that changed, numbered, for the page (SSE) and for those who wait for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from sandbox.slack.values.shapes import Json

KEPT_EVENTS = 10_000


class Feed:
    """Numbered events. Use it from one event loop; `close()` ends whoever waits."""

    def __init__(self) -> None:
        self._events: deque[Json] = deque(maxlen=KEPT_EVENTS)
        self._wakers: set[asyncio.Future[None]] = set()
        self.seq = 0
        self.closed = False

    def publish(self, kind: str, **fields: Any) -> Json:
        """Append an event and wake the waiting."""
        self.seq += 1
        event = {"seq": self.seq, "kind": kind, **fields}
        self._events.append(event)
        self._wake()
        return event

    def since(self, after: int, kinds: frozenset[str] = frozenset()) -> list[Json]:
        """Return events later than `after`, of the given kinds if any are given."""
        if after >= self.seq:
            return []
        fresh: list[Json] = []
        for event in reversed(self._events):
            if event["seq"] <= after:
                break
            if not kinds or event["kind"] in kinds:
                fresh.append(event)
        fresh.reverse()
        return fresh

    async def wait(self, after: int, seconds: float, kinds: frozenset[str] = frozenset()) -> list[Json]:
        """Return events later than `after` as soon as there are any, or none when the time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not (fresh := self.since(after, kinds)):
            left = deadline - loop.time()
            if left <= 0 or self.closed:
                return []
            await self._sleep(left)
        return fresh

    async def follow(self, after: int, idle_seconds: float) -> AsyncIterator[list[Json]]:
        """Yield batches of events until the feed closes; an empty batch after each idle time."""
        while not self.closed:
            batch = await self.wait(after, idle_seconds)
            if batch:
                after = batch[-1]["seq"]
            yield batch

    def close(self) -> None:
        """End every wait; open streams finish by themselves."""
        self.closed = True
        self._wake()

    async def _sleep(self, seconds: float) -> None:
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wakers.add(waker)
        try:
            await asyncio.wait([waker], timeout=seconds)
        finally:
            self._wakers.discard(waker)

    def _wake(self) -> None:
        for waker in list(self._wakers):
            if not waker.done():
                waker.set_result(None)
