from __future__ import annotations

from sandbox.slack.workspace.limits import MESSAGE_BURST, RateLimiter, Tier
from tests.unit.sandbox.slack.rig import HandClock


def test_lets_a_short_burst_of_messages_through(clock: HandClock) -> None:
    """A channel takes a few messages at once, then says how long to wait."""
    limiter = RateLimiter(clock)
    waits = [limiter.take("chat.postMessage", Tier.SPECIAL, "C1") for _ in range(MESSAGE_BURST + 1)]
    assert waits == [None] * MESSAGE_BURST + [1]


def test_counts_each_channel_by_itself(clock: HandClock) -> None:
    """Another channel isn't held up."""
    limiter = RateLimiter(clock)
    for _ in range(MESSAGE_BURST + 1):
        limiter.take("chat.postMessage", Tier.SPECIAL, "C1")
    assert limiter.take("chat.postMessage", Tier.SPECIAL, "C2") is None


def test_gives_back_a_message_a_second(clock: HandClock) -> None:
    """After a second there is room for one more message, not for two."""
    limiter = RateLimiter(clock)
    for _ in range(MESSAGE_BURST):
        limiter.take("chat.postMessage", Tier.SPECIAL, "C1")
    clock.advance(1)
    assert [limiter.take("chat.postMessage", Tier.SPECIAL, "C1") for _ in range(2)] == [None, 1]


def test_allows_fifty_edits_a_minute(clock: HandClock) -> None:
    """The fifty-first edit within a minute waits until the first is a minute old."""
    limiter = RateLimiter(clock)
    for _ in range(50):
        assert limiter.take("chat.update", Tier.THREE, "C1") is None
    clock.advance(20)
    assert limiter.take("chat.update", Tier.THREE, "C2") == 40


def test_forgets_calls_after_a_minute(clock: HandClock) -> None:
    """A minute later the method is free again."""
    limiter = RateLimiter(clock)
    for _ in range(51):
        limiter.take("chat.update", Tier.THREE, "C1")
    clock.advance(61)
    assert limiter.take("chat.update", Tier.THREE, "C1") is None


def test_lets_everything_through_when_off(clock: HandClock) -> None:
    """Switched off it never makes anybody wait."""
    limiter = RateLimiter(clock, enabled=False)
    assert {limiter.take("chat.update", Tier.THREE, "C1") for _ in range(200)} == {None}
