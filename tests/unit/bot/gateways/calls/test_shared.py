from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.gateways.calls.shared import SharedCalls
from steps.contract.errors import GiveUp, TryAgain

PATIENCE = 20.0


class Gate:
    """A call that hangs until it is let through."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> int:
        self.begun.set()
        self.opened.wait(PATIENCE)
        return 7


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Give a call that ends with the test at the latest."""
    made = Gate()
    yield made
    made.opened.set()


def test_who_asks_meanwhile_gets_the_same_answer(gate: Gate) -> None:
    """The call is made once."""
    calls: SharedCalls[int] = SharedCalls("the renewal", PATIENCE, PATIENCE)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(calls.run, gate)
        assert gate.begun.wait(PATIENCE)
        second = pool.submit(calls.run, lambda: 8)
        gate.opened.set()
        assert (first.result(PATIENCE), second.result(PATIENCE)) in ((7, 7), (7, 8))


def test_who_comes_late_is_sent_away_at_once(gate: Gate) -> None:
    """With a pause that no read repeats itself in, while whoever began it still waits."""
    now = [0.0]
    calls: SharedCalls[int] = SharedCalls("the renewal", PATIENCE, clock=lambda: now[0])
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(calls.run, gate)
        assert gate.begun.wait(PATIENCE)
        now[0] = 2.0
        with pytest.raises(TryAgain, match="the renewal is still waited for") as told:
            calls.run(gate)
        assert (told.value.retry_in, first.done()) == (5.0, False)
        gate.opened.set()
        assert first.result(PATIENCE) == 7


def test_who_began_it_is_sent_away_past_the_limit(gate: Gate) -> None:
    """The call goes on, and no second one is begun beside it."""
    calls: SharedCalls[int] = SharedCalls("the renewal", 0.01, 0.0)
    with pytest.raises(TryAgain, match=r"the renewal did not end within 0\.01 s"):
        calls.run(gate)
    with pytest.raises(TryAgain, match="still waited for"):
        calls.run(lambda: 8)


def test_a_call_that_ended_is_made_anew() -> None:
    """Its fault is raised where it was asked for."""
    calls: SharedCalls[int] = SharedCalls("the renewal", PATIENCE)

    def fail() -> int:
        raise GiveUp("refused", "Ask.")

    with pytest.raises(GiveUp):
        calls.run(fail)
    assert calls.run(lambda: 7) == 7
