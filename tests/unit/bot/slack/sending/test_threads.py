"""A thread begins with its root: whatever comes to wait while others are sent, no reply of it comes first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.journal.bodies import FileBody, Message, MilestoneBody, RootBody
from bot.journal.deliveries import Leaving
from bot.slack.sending.delivery import Result, Sender
from tests.unit.bot.slack.desk import UPGRADE, PostRoom
from tests.unit.bot.slack.stand_in import CHANNEL

OTHER = "C0GENERAL1"
Happen = Callable[[PostRoom, int], None]


@pytest.fixture
def happen_meanwhile(room: PostRoom, monkeypatch: pytest.MonkeyPatch) -> Callable[[Happen], None]:
    """Have something happen after each of the first three posts, before the walk goes on."""

    def arrange(happen: Happen) -> None:
        post, times = Sender.post, iter(range(3))

        def post_and_go_on(sender: Sender, message: Message) -> Result:
            result = post(sender, message)
            if (number := next(times, None)) is not None:
                happen(room, number)
            return result

        monkeypatch.setattr(Sender, "post", post_and_go_on)

    return arrange


def start_another(room: PostRoom, number: int) -> None:
    """Somebody starts another upgrade."""
    begin(room, f"other-{number}")


def move_to_the_other(room: PostRoom, number: int) -> None:
    """The upgrade goes on in another channel."""
    old, new = (CHANNEL, OTHER) if number % 2 == 0 else (OTHER, CHANNEL)
    room.outbox.leave_channel(UPGRADE, Leaving(old, new, "moved"), {"root": RootBody(left_for=new)}, ())
    room.outbox.put_message(UPGRADE, "root", new, RootBody(), room.clock.now())
    room.outbox.add_message(UPGRADE, new, MilestoneBody(f"moved {number}"), room.clock.now())


def move_back_and_forth(room: PostRoom, number: int) -> None:
    """The same, back into the channel that the walk goes through."""
    move_to_the_other(room, 0)
    move_to_the_other(room, 1)


def begin(room: PostRoom, upgrade: str, told: int = 2) -> None:
    """An upgrade's root and so many milestones."""
    room.views.setdefault(upgrade, room.views[UPGRADE])
    now = room.clock.now()
    with room.store.transact():
        room.outbox.put_message(upgrade, "root", CHANNEL, RootBody(""), now)
        for number in range(told):
            room.outbox.add_message(upgrade, CHANNEL, MilestoneBody(f"{upgrade} told {number}"), now)


def list_stray(room: PostRoom) -> list[str]:
    """The posts that tell something outside a thread."""
    posted = [message for channel in room.slack.state()["channels"] for message in channel["messages"]]
    return [one["text"] for one in posted if ("told" in one["text"] or "moved" in one["text"]) and is_stray(one)]


def is_stray(message: dict[str, object]) -> bool:
    """Whether it neither is a root nor stands in the thread of one."""
    return not message.get("thread_ts") and "is told in" not in str(message["text"])


@pytest.mark.parametrize("happen", [start_another, move_to_the_other, move_back_and_forth])
def test_no_reply_comes_before_its_root(
    room: PostRoom, happen_meanwhile: Callable[[Happen], None], happen: Happen
) -> None:
    """Its root may come to wait behind what the announcer is at: the reply waits for it all the same."""
    assert room.slack.act("channel", channel=OTHER, has_bot=True)["ok"]
    happen_meanwhile(happen)
    begin(room, UPGRADE)
    while room.outbox.list_unsent(room.clock.now()):
        room.settle()  # a commit wakes the announcer
    assert list_stray(room) == []
    assert room.outbox.list_unsent(room.clock.now()) == []


def list_order(room: PostRoom, upgrade: str) -> list[str]:
    """What was told of an upgrade, in the order in which Slack got it."""
    return [text for text in room.texts() if f"{upgrade} told" in text]


def test_a_thread_is_told_in_order(room: PostRoom, happen_meanwhile: Callable[[Happen], None]) -> None:
    """Of upgrades that were started meanwhile as well."""
    happen_meanwhile(start_another)
    begin(room, UPGRADE)
    room.settle()
    for upgrade in ("other-0", "other-1", "other-2"):
        assert list_order(room, upgrade) == [f"{upgrade} told 0", f"{upgrade} told 1"]


@pytest.mark.parametrize("body", [MilestoneBody("told"), FileBody("log", "told")], ids=["milestone", "file"])
def test_a_root_in_another_channel_is_waited_for(room: PostRoom, body: MilestoneBody | FileBody) -> None:
    """What waits for it does not hold it up, though its channel is looked at first."""
    first, second = sorted((CHANNEL, OTHER))
    assert room.slack.act("channel", channel=OTHER, has_bot=True)["ok"]
    room.outbox.add_message(UPGRADE, first, body, room.clock.now())
    room.outbox.put_message(UPGRADE, "root", second, RootBody(""), room.clock.now())
    room.settle()
    assert list_stray(room) == []
    assert room.outbox.list_unsent(room.clock.now()) == []


def test_a_root_that_never_comes_is_not_waited_for(room: PostRoom) -> None:
    """It was given up: what there is to tell stands in the channel."""
    begin(room, UPGRADE)
    (root,) = [one for one in room.outbox.list_unsent(room.clock.now()) if one.kind == "root"]
    room.outbox.drop_message(root.id, "refused")
    room.settle()
    assert list_order(room, UPGRADE) == [f"{UPGRADE} told 0", f"{UPGRADE} told 1"]
