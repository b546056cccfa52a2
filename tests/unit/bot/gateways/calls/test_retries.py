from __future__ import annotations

import pytest

from bot.gateways.calls.retries import ReadRetries
from steps.contract.errors import GiveUp, TryAgain
from tests.unit.bot.gateways.loopback import HandClock


class Flaky:
    """A read that fails some times before it answers."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        return "answer"


def test_a_passing_fault_is_not_seen(retries: ReadRetries) -> None:
    """One bad answer among good ones costs a short pause."""
    assert retries.run(Flaky(TryAgain("reset"))) == "answer"


def test_pauses_grow(retries: ReadRetries, hand_clock: HandClock) -> None:
    """A server in trouble is asked less and less often."""
    retries.run(Flaky(TryAgain("a"), TryAgain("b"), TryAgain("c")))
    assert hand_clock.waits == [0.1, 0.2, 0.4]


def test_two_seconds_are_the_limit(retries: ReadRetries, hand_clock: HandClock) -> None:
    """What takes longer is the runner's."""
    with pytest.raises(TryAgain):
        retries.run(Flaky(*[TryAgain("down")] * 100))
    assert sum(hand_clock.waits) <= 2.0


def test_short_retry_after_is_obeyed(retries: ReadRetries, hand_clock: HandClock) -> None:
    """The server's own pause wins over ours."""
    retries.run(Flaky(TryAgain("throttled", 1.5)))
    assert hand_clock.waits == [1.5]


def test_long_retry_after_goes_to_the_runner_at_once(retries: ReadRetries, hand_clock: HandClock) -> None:
    """No worker sleeps through a long pause."""
    with pytest.raises(TryAgain, match="throttled"):
        retries.run(Flaky(TryAgain("throttled", 60)))
    assert hand_clock.waits == []


def test_giving_up_is_final(retries: ReadRetries) -> None:
    """A refusal is not asked for twice."""
    read = Flaky(GiveUp("no right", "grant it"))
    with pytest.raises(GiveUp):
        retries.run(read)
    assert read.calls == 1
