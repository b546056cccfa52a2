"""What Slack counts as connections are opened: who else uses the token, and when that is believed."""

from __future__ import annotations

import pytest

from handlers.transport.headcount import CONFIRMED_SECONDS, CONNECTIONS, COUNTED_AGAIN_SECONDS, Headcount


class Ticks:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    """Standing still."""
    return Ticks()


@pytest.fixture
def headcount(ticks: Ticks) -> Headcount:
    """Of a bot that nothing was told yet."""
    return Headcount(CONNECTIONS, ticks)


def greet(number: object) -> dict[str, object]:
    """Slack's first word."""
    return {"type": "hello", "num_connections": number}


@pytest.mark.parametrize("message", [greet(1), greet(2), greet(None), {"type": "hello"}, {"type": "disconnect"}, {}])
def test_a_bot_alone_asks_and_says_nothing(headcount: Headcount, ticks: Ticks, message: dict[str, object]) -> None:
    """Also where Slack says nothing that is understood."""
    for _ in range(3):
        headcount.note(message)
        ticks.now += COUNTED_AGAIN_SECONDS
        assert (headcount.needs_count(), headcount.find_trouble()) == (False, "")


def test_one_count_is_asked_again_and_not_believed(headcount: Headcount, ticks: Ticks) -> None:
    """A connection that is just being replaced is counted twice."""
    headcount.note(greet(3))
    assert (headcount.needs_count(), headcount.find_trouble()) == (False, "")
    ticks.now += CONFIRMED_SECONDS
    assert headcount.needs_count()
    assert not headcount.needs_count()
    headcount.note(greet(2))
    ticks.now += COUNTED_AGAIN_SECONDS
    assert (headcount.needs_count(), headcount.find_trouble()) == (False, "")


def test_what_stays_is_told_and_looked_at_again(headcount: Headcount, ticks: Ticks) -> None:
    """Until the other program has ended."""
    headcount.note(greet(3))
    headcount.note(greet(4))
    assert headcount.find_trouble() == ""
    ticks.now += CONFIRMED_SECONDS
    assert headcount.needs_count()
    headcount.note(greet(4))
    assert headcount.find_trouble().startswith("Slack counts 4 connections of the app's token, and 2 are this bot's")
    assert not headcount.needs_count()
    ticks.now += COUNTED_AGAIN_SECONDS
    assert headcount.needs_count()
    headcount.note(greet(2))
    assert headcount.find_trouble() == ""
