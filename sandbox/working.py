"""Several works at once in one event loop, until one that counts has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable


async def work_until(works: Iterable[Awaitable[object]], ends: Iterable[Awaitable[object]]) -> None:
    """Run `works` until any of `ends` is done, then cancel what is left and wait for it. Raises what any raised."""
    kept = [asyncio.ensure_future(work) for work in works]
    awaited = [asyncio.ensure_future(end) for end in ends]
    pending = {*kept, *awaited}
    try:
        while not any(end.done() for end in awaited):
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
    finally:
        for left in (*kept, *awaited):
            left.cancel()
        await asyncio.gather(*kept, *awaited, return_exceptions=True)
