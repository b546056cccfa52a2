"""How people say that an upgrade is to go on in another channel."""

from __future__ import annotations

import pytest

from bot.clicks.orders import Relocate
from handlers.grammar import Misread, name_target, read_order

OTHER = "C0OTHER001"
TYPED = (
    f"move cluster-x <#{OTHER}|mesh-ops>",
    f"move cluster-x <#{OTHER}>",
    f"move cluster-x to <#{OTHER}|mesh-ops>",
    f"Move cluster-x into channel <#{OTHER}|mesh-ops>",
    f"move cluster-x {OTHER}",
    "move `cluster-x` `c0other001`.",
)
ANSWERED = {
    "relocate cluster-x": "Did you mean `/asm-upgrade move cluster-x`?",
    "postpone cluster-x": "Did you mean `/asm-upgrade schedule cluster-x`?",
    "move": "Name the cluster",
    "move cluster-x": "Name the channel as Slack links it",
    "move cluster-x #mesh-ops": "Name the channel as Slack links it",
    f"move cluster-x <#{OTHER}> <#{OTHER}>": "Name the channel as Slack links it",
    "move cluster-x 2026-12-05 02:00": "A time is moved by `/asm-upgrade schedule cluster-x 2026-12-05 02:00`",
    "move cluster-x tomorrow 10pm": "A time is moved by `/asm-upgrade schedule cluster-x tomorrow 10pm`",
}


@pytest.mark.parametrize("typed", TYPED)
def test_a_channel_is_understood_as_slack_links_it_or_by_its_id(typed: str) -> None:
    """With the words that people put before it."""
    assert read_order(typed) == Relocate("cluster-x", OTHER)


@pytest.mark.parametrize("typed", ANSWERED)
def test_anything_else_is_answered_with_what_was_meant(typed: str) -> None:
    """A name alone is no channel to Slack; a time is an appointment's."""
    read = read_order(typed)
    assert isinstance(read, Misread)
    assert ANSWERED[typed] in read.answer


@pytest.mark.parametrize("said", [f"move <#{OTHER}>", f"move to <#{OTHER}|mesh-ops>", f"move {OTHER}"])
def test_in_a_thread_the_channel_alone_is_enough(said: str) -> None:
    """It is where to, and not the cluster of that channel."""
    assert read_order(name_target(said, "cluster-x", "cluster-x-1", ["cluster-x"])) == Relocate("cluster-x-1", OTHER)


def test_in_a_thread_another_cluster_may_be_named() -> None:
    """As with every command."""
    said = name_target(f"move cluster-y <#{OTHER}>", "cluster-x", "cluster-x-1", ["cluster-x", "cluster-y"])
    assert read_order(said) == Relocate("cluster-y", OTHER)
