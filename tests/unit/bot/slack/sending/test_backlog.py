"""What a turn of the announcer costs grows with what may be sent, not with what waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.journal.bodies import MilestoneBody, RootBody
from bot.journal.store import Store
from tests.unit.bot.slack.desk import PostRoom
from tests.unit.bot.slack.stand_in import CHANNEL

WAITING = 500


@pytest.fixture
def count_rows(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count the rows that were read of the backlog since the last time."""
    read, found = Store.read_values, [0]

    def count(store: Store, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        rows = read(store, sql, parameters)
        found[0] += len(rows)
        return rows

    def take() -> int:
        taken, found[0] = found[0], 0
        return taken

    monkeypatch.setattr(Store, "read_values", count)
    return take


def fill(room: PostRoom, upgrades: int, told: int, channel: str = CHANNEL) -> None:
    """So many upgrades, each with a root and so many milestones, all of them waiting."""
    now = room.clock.now()
    with room.store.transact():
        for number in range(upgrades):
            name = f"{channel}-{number}"
            room.views.setdefault(name, room.views["cluster-x-7"])
            for _ in range(told):
                room.outbox.add_message(name, channel, MilestoneBody("told"), now)
            room.outbox.put_message(name, "root", channel, RootBody(""), now)


def test_a_turn_without_pace_left_looks_at_nothing(room: PostRoom, count_rows: Callable[[], int]) -> None:
    """Each commit of a busy bot wakes the announcer."""
    fill(room, 1, WAITING)
    room.announcer.turn()
    count_rows()
    assert room.announcer.turn()
    assert count_rows() <= 2


def test_a_turn_reads_little_more_than_it_sends(room: PostRoom, count_rows: Callable[[], int]) -> None:
    """A page or two a channel, however many wait there; one of them takes nothing."""
    fill(room, 1, WAITING)
    fill(room, 1, WAITING, "C0UNKNOWN1")
    count_rows()
    room.announcer.turn()
    assert 0 < count_rows() <= 100


def test_the_backlog_is_walked_in_order(room: PostRoom) -> None:
    """Roots first, then what was made first; page by page as in one look, channel by channel."""
    for channel in (CHANNEL, "C0OTHER001"):
        fill(room, 60, 1, channel)
    looked = sorted(room.outbox.list_waiting(room.clock.now()), key=lambda one: one.kind != "root")
    assert room.outbox.backlog.list_channels() == sorted({CHANNEL, "C0OTHER001"})
    for channel in room.outbox.backlog.list_channels():
        walked = list(room.outbox.backlog.walk_posts(channel, ()))
        assert walked == [one for one in looked if one.channel == channel]
        assert len(walked) == 120


def test_all_that_waits_is_sent_once(room: PostRoom) -> None:
    """Whatever is sent meanwhile, no page leaves anything out."""
    fill(room, 3, 50)
    room.settle()
    assert len(room.texts()) == 153


def test_edits_of_long_ago_are_forgotten(room: PostRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """They only tell which message was edited longest ago; years of them would be kept."""
    monkeypatch.setattr("bot.slack.sending.announcer.EDITS_KEPT", 3)
    for look in ("first", "second"):
        for number in range(5):
            room.put_root(f"cluster-x-{number}", look=look)
        room.settle()
    assert len(room.announcer._edited_at) == 3
