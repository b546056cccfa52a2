"""A mention of the bot, and the shortcut in a message's menu: as the command, for the upgrade of the thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.clicks.orders import Approve, Deny, Extend, Order, Pause, ReadHistory, ReadStatus, Start
from handlers.grammar import Misread, name_target, read_order
from tests.unit.bot.slack.stand_in import CHANNEL
from tests.unit.handlers.front import ANA, BEN, Front

KNOWN = ("cluster-x", "cluster-y")


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ("status", ReadStatus("cluster-x-7")),
        ("Pause.", Pause("cluster-x-7")),
        ("pause cluster-x", Pause("cluster-x")),
        ("pause cluster-y", Pause("cluster-y")),
        ("approve K7Q2MD", Approve("cluster-x-7", code="K7Q2MD")),
        ("approve", Approve("cluster-x-7")),
        ("deny too late", Deny("cluster-x-7", reason="too late")),
        ("deny cluster-x too late", Deny("cluster-x", reason="too late")),
        ("extend 1 h slow pods", Extend("cluster-x-7", "1h", "slow pods")),
        ("history", ReadHistory("cluster-x")),
        ("start", Start("cluster-x")),
        ("start mtls=STRICT", read_order("start cluster-x mtls=STRICT")),
        ("start set a.b=c", read_order("start cluster-x set a.b=c")),
    ],
)
def test_the_thread_names_the_upgrade(said: str, order: Order) -> None:
    """Where nobody named another cluster."""
    assert read_order(name_target(said, "cluster-x", "cluster-x-7", KNOWN)) == order


@pytest.mark.parametrize("said", ["extend 1 h slow pods", "extend 1h slow pods"])
def test_a_length_is_no_part_of_a_clusters_name(said: str) -> None:
    """Though the cluster is called cluster-1, and the upgrade is its first."""
    read = read_order(name_target(said, "cluster-1", "cluster-1-1", ["cluster-1"]))
    assert read == Extend("cluster-1-1", "1h", "slow pods")


@pytest.mark.parametrize("said", ["pause cluster-z", "deny clustr-y broken", "abort cluster_y wrong one"])
def test_a_slip_in_another_clusters_name_is_no_order_for_this_one(said: str) -> None:
    """It is answered as the command answers it."""
    read = read_order(name_target(said, "cluster-x", "cluster-x-7", KNOWN))
    assert not isinstance(read, Misread)
    assert read.target not in ("cluster-x", "cluster-x-7")


def test_a_mention_is_an_order(front: Front) -> None:
    """Once, whatever is delivered twice; it is answered in the same thread."""
    said = front.slack.act("message", user=ANA, channel=CHANNEL, text="@asm-upgrade pause cluster-x")
    click = front.book.last
    assert (click.order, click.user, click.door, click.thread) == (Pause("cluster-x"), ANA, "mention", said["ts"])


def test_a_mention_that_is_no_order_is_answered_in_its_thread(front: Front) -> None:
    """Only its author sees that, and nothing is committed."""
    said = front.slack.act("message", user=BEN, channel=CHANNEL, text="@asm-upgrade paus cluster-x")
    answer = front.slack.wait_for_whisper(BEN)
    assert "Did you mean `/asm-upgrade pause cluster-x`?" in answer
    (note,) = [note for note in front.slack.state()["ephemerals"] if note["text"] == answer]
    assert (note["thread_ts"], front.book.clicks) == (said["ts"], [])


def test_a_form_can_not_open_from_a_mention(front: Front) -> None:
    """It is said what to type."""
    front.slack.act("message", user=ANA, channel=CHANNEL, text="@asm-upgrade start")
    assert "type `/asm-upgrade start`" in front.slack.wait_for_whisper(ANA)


@pytest.fixture
def form(front: Front) -> Iterator[dict[str, Any]]:
    """The form that the shortcut opened on a message of the channel."""
    ts = front.slack.act("message", user=ANA, channel=CHANNEL, text="what is this?")["ts"]
    front.slack.act("shortcut", user=ANA, channel=CHANNEL, ts=ts, callback_id="asm-about")
    view = front.slack.wait_for_form(ANA)
    yield view
    front.slack.act("view-close", user=ANA, view_id=view["id"])


def submit(front: Front, form: dict[str, Any], order: str) -> dict[str, Any]:
    """Order something by the form."""
    values = {"order": {"order": order}}
    return front.slack.act("view-submit", user=ANA, view_id=form["id"], values=values)


def test_the_shortcut_orders_as_the_command_does(front: Front, form: dict[str, Any]) -> None:
    """By a line in a form."""
    submit(front, form, "pause cluster-x")
    assert (front.book.last.order, front.book.last.door) == (Pause("cluster-x"), "shortcut")


def test_what_the_form_can_not_read_is_said_at_its_field(front: Front, form: dict[str, Any]) -> None:
    """And nothing is committed."""
    errors = submit(front, form, "deny cluster-x")["ack"]["errors"]
    assert ("Say why" in errors["order"], front.book.clicks) == (True, [])
