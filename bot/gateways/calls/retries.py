"""Short retries of reads: what takes longer is left to the runner."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from steps.contract.errors import TryAgain

T = TypeVar("T")
FIRST_PAUSE = 0.1


class ReadRetries:
    """Repeats a read that raised TryAgain, for `limit` seconds in all; a longer Retry-After goes through at once."""

    def __init__(
        self,
        limit: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._sleep = sleep

    def run(self, read: Callable[[], T]) -> T:
        """Call `read` until it answers; raises its last TryAgain when time is up, and any GiveUp at once."""
        ends = self._clock() + self._limit
        pause = FIRST_PAUSE
        while True:
            try:
                return read()
            except TryAgain as fault:
                wait = pause if fault.retry_in is None else fault.retry_in
                if self._clock() + wait > ends:
                    raise
            self._sleep(wait)
            pause *= 2
