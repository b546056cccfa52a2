"""What `/asm-upgrade help` answers to one person."""

from __future__ import annotations

import pytest

from bot.journal.records import Action
from handlers.grammar import Misread, read_order
from handlers.guidance import write_help
from handlers.usage import COMMAND, USAGE
from tests.unit.bot.slack.drawing.test_home import build_cluster, build_fleet
from tests.unit.bot.slack.samples import build_view


def test_it_begins_with_what_this_person_can_do_now() -> None:
    """What waits for them first, then what they may begin; nothing that is there already."""
    lines = write_help("", build_fleet()).splitlines()
    assert lines[:4] == [
        "*What you can do now*",
        "• `cluster-x` asks for your approval: `/asm-upgrade approve cluster-x` shows the card",
        "• `cluster-z` can be upgraded: `/asm-upgrade start cluster-z` makes a proposal first",
        "*Commands*, each after `/asm-upgrade`",
    ]


def test_it_is_short_for_any_fleet() -> None:
    """It fits on a phone."""
    help_text = write_help("", [build_cluster(f"cluster-{number}") for number in range(300)])
    assert len(help_text.splitlines()) <= 14
    assert "295 more" in help_text


def test_who_can_do_nothing_is_told_where_to_look() -> None:
    """Not a list of what is forbidden."""
    view = build_cluster("cluster-x", may_start=False)
    assert write_help("", [view]).startswith("*Nothing waits for you.* `/asm-upgrade status` shows")


@pytest.mark.parametrize("legal", [("retry", "abort"), ("resume", "abort"), ("pause", "abort")])
def test_what_is_legal_at_this_moment_is_offered(legal: tuple[Action, ...]) -> None:
    """The first thing to do, for a cluster that is blocked, paused or being upgraded."""
    view = build_cluster("cluster-x", upgrade=build_view(), may_start=False, allowed=legal)
    assert f"`/asm-upgrade {legal[0]} cluster-x`" in write_help("", [view])


@pytest.mark.parametrize("action", USAGE)
def test_every_command_is_listed_and_explained(action: Action) -> None:
    """By its own help, with an example that the bot understands."""
    assert f"`{action}" in write_help("", [])
    told = write_help(action, [build_cluster("prod-eu")])
    example = told.partition(f"Example: `{COMMAND} ")[2].partition("`")[0]
    order = read_order(example)
    assert not isinstance(order, Misread)
    assert (order.action, USAGE[action].meaning in told) == (action, True)
    assert "cluster-x" not in told


def test_help_with_a_cluster_is_about_the_cluster() -> None:
    """And nothing else."""
    assert write_help("cluster-z", build_fleet()).splitlines()[1:] == [
        "• `cluster-z` can be upgraded: `/asm-upgrade start cluster-z` makes a proposal first"
    ]


def test_a_slip_is_answered_with_what_was_meant() -> None:
    """As everywhere."""
    assert "Did you mean `/asm-upgrade help pause`?" in write_help("puase", [])
