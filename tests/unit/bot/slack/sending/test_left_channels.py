"""The messages of an upgrade that went on in another channel, and those that it left behind."""

from __future__ import annotations

import json

import pytest

from bot.journal.bodies import MilestoneBody, RootBody, WaitingMessage, decode_body
from bot.journal.deliveries import LEFT, Leaving
from bot.journal.records import FAREWELL
from bot.slack.sending.announcer import may_hold
from bot.telling.endings import close_body
from tests.unit.bot.slack.desk import UPGRADE, PostRoom
from tests.unit.bot.slack.samples import build_gate_body
from tests.unit.bot.slack.stand_in import CHANNEL

CARD = "card:control-plane/approve:1"


def test_a_channel_that_was_left_holds_nothing_up(room: PostRoom) -> None:
    """It is archived: what should be changed there is given up at once and in silence, and the new one has it all."""
    other = "C0GENERAL1"
    assert room.slack.act("channel", channel=other, has_bot=True)["ok"]
    room.put_root()
    room.put("gate", build_gate_body(), CARD)
    room.settle()
    assert room.slack.act("channel", channel=CHANNEL, archived=True)["ok"]
    room.outbox.leave_channel(UPGRADE, Leaving(CHANNEL, other, "moved"), {"root": RootBody(left_for=other)}, ())
    room.outbox.put_message(UPGRADE, "root", other, RootBody(), room.clock.now())
    room.settle()
    assert room.outbox.list_unsent(room.clock.now()) == []
    assert (room.outbox.list_unwritable(), room.outbox.count_given_up()) == ([], 0)
    assert room.outbox.read_thread(UPGRADE)[0] == other


def test_a_root_that_was_left_says_where_its_upgrade_goes_on(room: PostRoom) -> None:
    """Where Slack still takes that; replies follow the new root."""
    other = "C0GENERAL1"
    assert room.slack.act("channel", channel=other, has_bot=True)["ok"]
    room.put_root()
    room.settle()
    room.outbox.leave_channel(UPGRADE, Leaving(CHANNEL, other, "moved"), {"root": RootBody(left_for=other)}, ())
    room.outbox.put_message(UPGRADE, "root", other, RootBody(), room.clock.now())
    room.outbox.add_message(UPGRADE, other, MilestoneBody("moved here"), room.clock.now())
    room.settle()
    assert room.texts() == [f"{UPGRADE} is told in <#{other}>; what stands in this thread was told here until then."]
    assert "actions" not in [block["type"] for block in room.slack.messages()[0]["blocks"]]
    found = next(one for one in room.slack.state()["channels"] if one["id"] == other)
    assert ["moved here" in message["text"] for message in found["messages"]] == [False, True]


def leave(room: PostRoom, other: str) -> None:
    """The upgrade goes on in another channel, with its root and one card."""
    body = decode_body("gate", json.dumps(build_gate_body()))
    left = {"root": RootBody(left_for=other), CARD: close_body(body, "moved")}
    room.outbox.leave_channel(UPGRADE, Leaving(CHANNEL, other, "moved"), left, (CARD,))
    room.outbox.put_message(UPGRADE, "root", other, RootBody(), room.clock.now())


@pytest.mark.parametrize("slot", ["root", CARD])
def test_a_post_that_nothing_was_heard_of_is_looked_for_where_it_was_sent(room: PostRoom, slot: str) -> None:
    """The bot was killed between the post and the record: what stands there says that it was left."""
    other = "C0GENERAL1"
    assert room.slack.act("channel", channel=other, has_bot=True)["ok"]
    room.put_root()
    room.put("gate", build_gate_body(), CARD)
    room.settle()
    with room.store.transact() as db:
        db.execute("update outbox set ts = '', sent_revision = 0 where slot = ?", [slot])
    leave(room, other)
    room.start()
    room.settle()
    assert "is told in" in room.texts()[0]
    assert not any(block["type"] == "actions" for one in room.slack.messages() for block in one["blocks"])
    found = next(one for one in room.slack.state()["channels"] if one["id"] == other)
    assert len(found["messages"]) == 2
    assert room.outbox.list_unsent(room.clock.now()) == []


@pytest.mark.parametrize("archived", [False, True])
def test_a_post_that_never_came_to_stand_is_not_made_up_for(room: PostRoom, archived: bool) -> None:
    """Neither where the channel takes something nor where it does not; the new one has root and card."""
    other = "C0GENERAL1"
    assert room.slack.act("channel", channel=other, has_bot=True)["ok"]
    room.put_root()
    room.put("gate", build_gate_body(), CARD)
    for message in room.outbox.list_unsent(room.clock.now()):
        room.outbox.mark_posting(message.id)
    assert room.slack.act("channel", channel=CHANNEL, archived=archived)["ok"]
    leave(room, other)
    room.settle()
    assert room.texts() == []
    found = next(one for one in room.slack.state()["channels"] if one["id"] == other)
    assert len(found["messages"]) == 2
    assert (room.outbox.list_unsent(room.clock.now()), room.outbox.count_given_up()) == ([], 0)


def test_a_post_that_a_move_overtakes_is_not_made(room: PostRoom) -> None:
    """The row was read, then its upgrade left: it is read again."""
    other = "C0GENERAL1"
    assert room.slack.act("channel", channel=other, has_bot=True)["ok"]
    room.put_root()
    (read,) = room.outbox.list_unsent(room.clock.now())
    leave(room, other)
    assert not room.outbox.mark_posting(read.id)
    room.settle()
    assert room.texts() == []


@pytest.mark.parametrize("archived", [False, True])
def test_the_last_line_of_a_thread_that_was_left_stands_in_it_or_holds_nothing_up(
    room: PostRoom, archived: bool
) -> None:
    """It is posted where the old root is, though the upgrade has another root by now."""
    other = "C0GENERAL1"
    assert room.slack.act("channel", channel=other, has_bot=True)["ok"]
    room.put_root()
    room.settle()
    _, root = room.outbox.read_thread(UPGRADE)
    assert not archived or room.slack.act("channel", channel=CHANNEL, archived=True)["ok"]
    leave(room, other)
    line = MilestoneBody(f"moved to <#{other}>")
    room.outbox.put_message(UPGRADE, f"{FAREWELL}{root}", CHANNEL, line, room.clock.now())
    room.settle()
    assert (room.outbox.list_unsent(room.clock.now()), room.outbox.list_unwritable()) == ([], [])
    told = [message for message in room.slack.messages() if "moved to" in message["text"]]
    assert [message.get("thread_ts") for message in told] == ([] if archived else [root])


@pytest.mark.parametrize(("slot", "holds"), [("", True), (CARD, True), (f"{FAREWELL}1.5", False), (f"{LEFT}1", False)])
def test_what_an_earlier_channel_still_gets_holds_up_nothing(slot: str, holds: bool) -> None:
    """However slow that channel is, the thread goes on in the new one."""
    assert may_hold(WaitingMessage("1", UPGRADE, "milestone", CHANNEL, 1, "", None, slot)) is holds
