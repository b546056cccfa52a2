from __future__ import annotations

import pytest

from sandbox.clock import SimulatedClock


class Elapsed:
    """Real seconds, advanced by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Elapsed:
    """Time that stands still until told."""
    return Elapsed()


def test_simulated_time_passes_faster(elapsed: Elapsed) -> None:
    """Two real seconds at speed 10 are twenty."""
    clock = SimulatedClock(10, 1000.0, elapsed)
    elapsed.seconds += 2
    assert clock.now() == 1020.0


def test_a_new_speed_holds_from_now_on(elapsed: Elapsed) -> None:
    """What has passed stays passed."""
    clock = SimulatedClock(10, 1000.0, elapsed)
    elapsed.seconds += 1
    clock.set_speed(2)
    elapsed.seconds += 1
    assert clock.now() == 1012.0


def test_a_simulated_wait_is_short(elapsed: Elapsed) -> None:
    """Half a minute at speed 10 takes three seconds."""
    assert SimulatedClock(10, 0.0, elapsed).real_seconds(30) == 3.0


def test_time_never_stands_still(elapsed: Elapsed) -> None:
    """Speed 0 is refused in a sentence."""
    with pytest.raises(ValueError, match="above 0"):
        SimulatedClock(1, 0.0, elapsed).set_speed(0)


def test_its_lead_is_beside_the_machines_clock(elapsed: Elapsed) -> None:
    """However it came to be ahead."""
    clock = SimulatedClock(10, 1000.0, elapsed, present=lambda: 1004.0)
    assert clock.lead() == -4.0
    elapsed.seconds += 2
    assert clock.lead() == 16.0
