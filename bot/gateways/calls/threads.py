"""A thread of its own for a call; where the system has none to give, nobody is left waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from steps.contract.errors import TryAgain

T = TypeVar("T")
# When to look again for what hangs: later than a read is repeated at once, which would hold the thread after all.
AGAIN = 5.0


def start_thread(call: Callable[[], object], what: str) -> threading.Thread:
    """Make the call in a thread; TryAgain where none can be started, as a limit of processes or memory is reached."""
    thread = threading.Thread(target=call, daemon=True, name=what)
    try:
        thread.start()
    except (RuntimeError, MemoryError) as error:
        raise TryAgain(f"no thread could be started for {what}: {error}", AGAIN) from error
    return thread


def settle(answer: Future[T], call: Callable[[], T]) -> None:
    """Make the call and give its answer or its exception to those who wait, whatever comes."""
    try:
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised again in the threads of those who asked
        answer.set_exception(error)
