"""A call that a pool has no thread for is given back, or seen to its end: never both, never neither."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from bot.pools import hand_over, hand_over_each
from steps.contract.errors import TryAgain

PATIENCE = 10.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Give a pool of up to four threads."""
    with ThreadPoolExecutor(4) as made:
        yield made


@pytest.fixture(params=[RuntimeError("can't start new thread"), MemoryError("none")], ids=repr)
def refuse(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let no thread be started from when it is called."""

    def fail(_thread: threading.Thread) -> None:
        raise request.param

    return lambda: monkeypatch.setattr(threading.Thread, "start", fail)


def test_a_call_that_is_given_back_is_made_by_no_earlier_thread(
    pool: ThreadPoolExecutor, refuse: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool has it in its queue all the same; a thread that gets free there leaves it out."""
    gate, made = threading.Event(), list[str]()
    begun = threading.Event()

    def hang() -> bool:
        begun.set()
        return gate.wait(PATIENCE)

    first = hand_over(pool, hang, "the first")
    assert begun.wait(PATIENCE)
    refuse()
    with pytest.raises(TryAgain, match="no thread could be started for the second"):
        hand_over(pool, lambda: made.append("second"), "the second")
    gate.set()
    first.result(PATIENCE)
    monkeypatch.undo()  # or a third needs the first one's thread, which may be on its way back
    hand_over(pool, lambda: made.append("third"), "the third").result(PATIENCE)
    pool.shutdown()
    assert made == ["third"]


@pytest.mark.parametrize("fault", [None, ValueError("odd")])
def test_a_call_that_was_taken_before_the_refusal_is_waited_for(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    """An earlier thread was quicker than the failing start of a new one."""

    def make() -> int:
        if fault:
            raise fault
        return 7

    def take_and_fail(call: Callable[[], int]) -> None:
        with suppress(ValueError):
            call()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(pool, "submit", take_and_fail)
    answer = hand_over(pool, make, "the call")
    assert (repr(answer.exception(0)), answer.done()) == (repr(fault), True)


def test_each_that_finds_no_thread_fails_by_itself(pool: ThreadPoolExecutor, refuse: Callable[[], None]) -> None:
    """The others are asked."""
    gate, begun = threading.Event(), threading.Event()

    def ask(key: str) -> str:
        begun.set()
        gate.wait(PATIENCE)
        return key

    asked = hand_over_each(pool, ask, ["a"], "it")
    assert begun.wait(PATIENCE)
    refuse()
    failed = hand_over_each(pool, ask, ["b", "c"], "it")
    gate.set()
    assert asked["a"].result(PATIENCE) == "a"
    assert [type(future.exception(PATIENCE)) for future in failed.values()] == [TryAgain, TryAgain]
