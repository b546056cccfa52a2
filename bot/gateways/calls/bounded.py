"""A time limit around a library's call that has none of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from bot.gateways.calls.shared import AGAIN
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
            thread = threading.Thread(target=_settle, args=(done, call), daemon=True, name=self._what)
            thread.start()
            try:
                return done.result(self._limit)
            except TimeoutError:
                if done.done():  # the call's own
                    raise
                self._hanging = thread
                raise TryAgain(f"{self._what} did not end within {self._limit:g} s", AGAIN) from None


def _settle(done: Future[T], call: Callable[[], T]) -> None:
    try:
        done.set_result(call())
    except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
        done.set_exception(error)
