"""A time limit around a library's call that has none of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from bot.gateways.calls.threads import AGAIN, settle, start_thread
from steps.contract.errors import TryAgain

T = TypeVar("T")


class BoundedCalls:
    """Runs calls in threads and waits `limit` seconds for each.

    A call can't be stopped from outside, so while one hangs no other is begun: at most one thread is ever lost.
    """

    def __init__(self, what: str, limit: float) -> None:
        self._what = what
        self._limit = limit
        self._lock = threading.Lock()
        self._hanging: threading.Thread | None = None

    def run(self, call: Callable[[], T]) -> T:
        """The call's answer or its exception; TryAgain past the limit."""
        with self._lock:
            if self._hanging is not None and self._hanging.is_alive():
                raise TryAgain(f"{self._what} still hangs", AGAIN)
            done: Future[T] = Future()
            thread = start_thread(partial(settle, done, call), self._what)
            try:
                return done.result(self._limit)
            except TimeoutError:
                if done.done():  # the call's own
                    raise
                self._hanging = thread
                raise TryAgain(f"{self._what} did not end within {self._limit:g} s", AGAIN) from None
