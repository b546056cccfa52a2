"""One call for all who want its answer, none of whom it holds for long."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from bot.gateways.calls.threads import AGAIN, settle, start_thread
from steps.contract.errors import TryAgain

T = TypeVar("T")
# Others than whoever began a call wait for its answer until so many seconds after it began.
TOGETHER = 2.0


@dataclass(frozen=True)
class _Flight(Generic[T]):
    answer: Future[T]
    joins_until: float


class SharedCalls(Generic[T]):
    """Runs a call in a thread of its own, at most one at a time; whoever asks meanwhile gets the same answer.

    Whoever began it waits `limit` seconds, others `together` from its beginning on: then they try again later, and at
    once for as long as it hangs, so that their threads are free for what needs no answer of it.
    """

    def __init__(
        self,
        what: str,
        limit: float,
        together: float = TOGETHER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._limit = limit
        self._together = together
        self._clock = clock
        self._lock = threading.Lock()
        self._flight: _Flight[T] | None = None

    def run(self, call: Callable[[], T], most: float = math.inf) -> T:
        """The answer of `call`, or of the one that runs already; TryAgain past the limit, and past `most` seconds."""
        flight, begun = self._join_or_begin(call)
        seconds = min(most, self._limit if begun else max(0.0, flight.joins_until - self._clock()))
        try:
            return flight.answer.result(seconds)
        except TimeoutError:
            if flight.answer.done():  # the call's own
                raise
            why = f"did not end within {seconds:g} s" if begun else "is still waited for"
            raise TryAgain(f"{self._what} {why}", AGAIN) from None

    def begin(self, call: Callable[[], T]) -> None:
        """Make the call unless one runs already, and wait for nothing; what comes of it is for those who wait."""
        self._join_or_begin(call)

    def _join_or_begin(self, call: Callable[[], T]) -> tuple[_Flight[T], bool]:
        with self._lock:
            flight = self._flight
            if flight is not None and not flight.answer.done():
                return flight, False
            flight = self._flight = _Flight(Future(), self._clock() + self._together)
        try:
            start_thread(partial(settle, flight.answer, call), self._what)
        except BaseException as fault:  # noqa: BLE001 - raised again in the threads of those who asked
            flight.answer.set_exception(fault)
        return flight, True
