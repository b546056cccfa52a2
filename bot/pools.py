"""Calls given to a pool of threads; one that the pool has no thread for is never made unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from steps.contract.errors import TryAgain

K = TypeVar("K")
T = TypeVar("T")


def hand_over(pool: ThreadPoolExecutor, call: Callable[[], T], what: str) -> Future[T]:
    """Have a thread of the pool make the call; TryAgain where there is none, and then the call is never made.

    A pool queues the call before it starts a thread: where that fails, an earlier thread may take it all the same.
    """
    taken: Future[T] = Future()
    try:
        return pool.submit(partial(_make, call, taken))
    except (RuntimeError, MemoryError) as error:
        if taken.cancel():
            raise TryAgain(f"no thread could be started for {what}: {error}") from error
        return taken


def hand_over_each(
    pool: ThreadPoolExecutor, call: Callable[[K], T], keys: Iterable[K], what: str
) -> dict[K, Future[T]]:
    """Have the pool make the call for each; a future fails with TryAgain where no thread could be started for it."""
    return {key: _hand_over_or_fail(pool, partial(call, key), what) for key in keys}


def _hand_over_or_fail(pool: ThreadPoolExecutor, call: Callable[[], T], what: str) -> Future[T]:
    try:
        return hand_over(pool, call, what)
    except TryAgain as fault:
        failed: Future[T] = Future()
        failed.set_exception(fault)
        return failed


def _make(call: Callable[[], T], taken: Future[T]) -> T:
    """Make the call unless it was given back meanwhile, and tell both those who may wait for it."""
    if taken.set_running_or_notify_cancel():
        try:
            taken.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of whoever asked
            taken.set_exception(error)
    return taken.result(0)
