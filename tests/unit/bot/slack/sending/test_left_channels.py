"""The messages of an upgrade that went on in another channel, and those that it left behind."""

from __future__ import annotations

from bot.journal.bodies import MilestoneBody, RootBody
from tests.unit.bot.slack.desk import UPGRADE, PostRoom
from tests.unit.bot.slack.samples import build_gate_body
from tests.unit.bot.slack.stand_in import CHANNEL


def test_a_channel_that_was_left_holds_nothing_up(room: PostRoom) -> None:
    """It is archived: what should be changed there is given up at once and in silence, and the new one has it all."""
    other = "C0GENERAL1"
    assert room.slack.act("channel", channel=other, has_bot=True)["ok"]
    room.put_root()
    room.put("gate", build_gate_body(), "card:control-plane/approve:1")
    room.settle()
    assert room.slack.act("channel", channel=CHANNEL, archived=True)["ok"]
    room.outbox.leave_message(UPGRADE, "root", RootBody(left_for=other))
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
    room.outbox.leave_message(UPGRADE, "root", RootBody(left_for=other))
    room.outbox.put_message(UPGRADE, "root", other, RootBody(), room.clock.now())
    room.outbox.add_message(UPGRADE, other, MilestoneBody("moved here"), room.clock.now())
    room.settle()
    assert room.texts() == [f"{UPGRADE} is told in <#{other}>; what stands in this thread was told here until then."]
    assert "actions" not in [block["type"] for block in room.slack.messages()[0]["blocks"]]
    found = next(one for one in room.slack.state()["channels"] if one["id"] == other)
    assert ["moved here" in message["text"] for message in found["messages"]] == [False, True]
