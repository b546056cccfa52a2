from __future__ import annotations

import asyncio

from sandbox.slack.workspace.feed import Feed


def test_returns_news_at_once_when_there_are_any() -> None:
    """Who asks late gets what was missed."""

    async def run() -> list[int]:
        feed = Feed()
        feed.publish("message")
        feed.publish("log")
        return [event["seq"] for event in await feed.wait(0, 60, frozenset({"log"}))]

    assert asyncio.run(run()) == [2]


def test_wakes_whoever_waits() -> None:
    """An event ends a wait."""

    async def run() -> int:
        feed = Feed()
        waiting = asyncio.ensure_future(feed.wait(0, 60))
        await asyncio.sleep(0)
        feed.publish("message")
        return len(await waiting)

    assert asyncio.run(run()) == 1


def test_ends_every_stream_when_closed() -> None:
    """Closing ends waits and streams."""

    async def run() -> list[object]:
        feed = Feed()

        async def follow() -> None:
            async for _ in feed.follow(0, 60):
                pass

        running = [asyncio.ensure_future(follow()), asyncio.ensure_future(feed.wait(0, 60))]
        await asyncio.sleep(0)
        feed.close()
        return await asyncio.gather(*running)

    assert asyncio.run(run()) == [None, []]
