from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from bot.gateways.calls.bounded import BoundedCalls
from bot.gateways.calls.shared import SharedCalls
from bot.gateways.calls.threads import settle, start_thread
from steps.contract.errors import TryAgain

PATIENCE = 20.0
RUNS: list[Callable[[Callable[[], int]], int]] = [
    SharedCalls[int]("the call", PATIENCE).run,
    BoundedCalls("the call", PATIENCE).run,
]


@pytest.fixture
def threadless(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let no thread be started until `undo`."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    return monkeypatch


@pytest.mark.parametrize("run", RUNS)
def test_a_thread_that_cannot_be_started_is_told_and_leaves_nothing_behind(
    threadless: pytest.MonkeyPatch, run: Callable[[Callable[[], int]], int]
) -> None:
    """A limit of processes or of memory; the call is made as soon as it can be."""
    for _ in range(2):
        with pytest.raises(TryAgain, match="no thread could be started for the call: can't start new thread"):
            run(lambda: 7)
    threadless.undo()
    assert run(lambda: 7) == 7


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("fault", [SystemExit(1), MemoryError(), KeyboardInterrupt(), ValueError("odd")], ids=repr)
def test_whatever_ends_a_call_ends_the_waiting(run: Callable[[Callable[[], int]], int], fault: BaseException) -> None:
    """Also what is no Exception; the next call is made anew."""

    def fail() -> int:
        raise fault

    with pytest.raises(type(fault)):
        run(fail)
    assert run(lambda: 7) == 7


def test_a_begun_call_is_waited_for_by_nobody() -> None:
    """Whoever asks for its answer meanwhile gets it."""
    calls: SharedCalls[int] = SharedCalls("the call", PATIENCE, PATIENCE)
    begun, opened = threading.Event(), threading.Event()

    def hang() -> int:
        begun.set()
        opened.wait(PATIENCE)
        return 7

    calls.begin(hang)
    assert begun.wait(PATIENCE)
    opened.set()
    assert calls.run(lambda: 7) == 7


def test_a_thread_is_named_after_its_call() -> None:
    """As a dump of all threads shows it."""
    answer: Future[str] = Future()
    start_thread(lambda: settle(answer, lambda: threading.current_thread().name), "the call").join(PATIENCE)
    assert answer.result(0) == "the call"
