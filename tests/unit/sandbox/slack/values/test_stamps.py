from __future__ import annotations

import pytest

from sandbox.slack.values.stamps import Stamps, read_stamp, write_stamp
from tests.unit.sandbox.slack.rig import HandClock


def test_stamps_rise_while_the_clock_stands(clock: HandClock) -> None:
    """No two messages share a ts, and later ones sort later."""
    stamps = Stamps(clock)
    made = [stamps.next() for _ in range(100)]
    assert made == sorted(set(made))


def test_stamps_rise_when_the_clock_goes_back(clock: HandClock) -> None:
    """A clock set back doesn't reorder messages."""
    stamps = Stamps(clock)
    first = stamps.next()
    clock.advance(-3600)
    assert read_stamp(stamps.next()) > read_stamp(first)


@pytest.mark.parametrize("stamp", ["1790000000.000100", "1790000000.120000"])
def test_reads_what_it_writes(stamp: str) -> None:
    """A ts survives the way to microseconds and back."""
    assert write_stamp(read_stamp(stamp)) == stamp
