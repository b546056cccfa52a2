"""The bot stays below Slack's limits by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.slack.api.answers import Answered, TooFast, call_slack
from bot.slack.api.pacing import Budget, Quota
from bot.slack.sending.announcer import EDIT_BURST, EDITS_A_MINUTE
from tests.unit.bot.blank import open_store
from tests.unit.bot.slack.desk import PostRoom
from tests.unit.bot.slack.samples import START
from tests.unit.bot.slack.stand_in import CHANNEL, HandClock, LocalSlack, run_slack


@dataclass(frozen=True)
class Crowded:
    """What Slack refused, and the age in seconds of the stalest message of each slot that was ever shown."""

    refused: list[str]
    oldest: dict[str, int]


@pytest.fixture
def slack(clock: HandClock) -> Iterator[LocalSlack]:
    """A local Slack with limits as honest as Slack's."""
    with run_slack(clock, rate_limits=True) as running:
        yield running


def test_a_budget_never_gives_more_than_burst_and_rate_in_a_minute() -> None:
    """Slack allows 50 edits a minute over all upgrades."""
    budget, now, taken = Budget(EDITS_A_MINUTE, EDIT_BURST), START, 0
    while now < START + timedelta(seconds=60):
        if budget.seconds_until_free(now) == 0:
            budget.take(now)
            taken += 1
        now += timedelta(seconds=0.25)
    assert taken <= 49


def test_a_clock_set_back_gives_no_extra_calls() -> None:
    """Nor does it lock the budget."""
    budget = Budget(60, 1)
    budget.take(START)
    assert budget.seconds_until_free(START - timedelta(hours=1)) == pytest.approx(1.0)


def test_a_held_budget_waits_as_long_as_slack_asked() -> None:
    """Retry-After holds for every message of the kind."""
    budget = Budget(42, 3)
    budget.hold(START, 30)
    assert budget.seconds_until_free(START) == pytest.approx(30.0)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowded]:
    """Twenty upgrades in two busy minutes: a progress message each that changes every second.

    Each root changes as often as phases do: every four minutes, one after the other, each time with two milestones
    and a card that asks for the next.
    """
    upgrades = [f"cluster-{number}-1" for number in range(20)]
    clock = HandClock()
    with run_slack(clock, rate_limits=True) as slack:
        store = open_store(tmp_path_factory.mktemp("crowded"))
        room = PostRoom(slack, store, clock)
        for upgrade in upgrades:
            room.put_root(upgrade)
            room.put("progress", {"sentence": "0"}, "progress", upgrade)
        room.settle()
        oldest = run_two_minutes(room, upgrades)
        yield Crowded([call["name"] for call in slack.calls() if not call["ok"]], oldest)
        store.close()


def test_twenty_upgrades_provoke_no_429(crowded: Crowded) -> None:
    """Slack's limits, kept by the stand-in's limiter, are never reached, by whatever method."""
    assert crowded.refused == []


def test_the_limiter_would_have_refused_a_faster_bot(slack: LocalSlack) -> None:
    """The other numbers mean nothing if it lets everything through."""
    posting = slack.posting()
    ts = posting.chat_postMessage(channel=CHANNEL, text="root")["ts"]
    answers = [call_slack(lambda: posting.chat_update(channel=CHANNEL, ts=ts, text="again")) for _ in range(51)]
    assert [type(answer) for answer in answers] == [Answered] * 50 + [TooFast]


def test_twenty_upgrades_that_start_at_once_all_stand_in_the_channel_within_60_s(room: PostRoom) -> None:
    """A root waits for no other upgrade's milestones."""
    upgrades = [f"cluster-{number}-1" for number in range(20)]
    for upgrade in upgrades:
        room.put_root(upgrade)
        for sentence in ("started", "found", "read", "proposal"):
            room.tell(sentence, upgrade)
    begun = room.clock.now()
    while not all(room.outbox.read_thread(upgrade)[1] for upgrade in upgrades):
        room.clock.advance((room.announcer.turn() or 0) + 0.001)
    assert (room.clock.now() - begun).total_seconds() <= 60


def test_no_progress_message_of_twenty_upgrades_is_staler_than_30_s(crowded: Crowded) -> None:
    """The edit budget goes to the stalest first."""
    assert crowded.oldest["progress"] <= 30


def test_no_root_of_twenty_upgrades_is_staler_than_60_s(crowded: Crowded) -> None:
    """Roots share the budget of the progress messages."""
    assert crowded.oldest["root"] <= 60


def run_two_minutes(room: PostRoom, upgrades: list[str]) -> dict[str, int]:
    """The age in seconds of the stalest message of each slot that was ever shown."""
    changed: dict[tuple[str, str], int] = {}
    oldest = {"progress": 0, "root": 0}
    for second in range(120):
        for upgrade in upgrades:
            room.put("progress", {"sentence": str(second)}, "progress", upgrade)
            changed.setdefault((upgrade, "progress"), second)
        if second % 12 == 0:
            upgrade = upgrades[second // 12]
            room.put("root", {"steps": second}, "root", upgrade)
            room.tell("the phase before it is done", upgrade)
            room.tell("what it found", upgrade)
            room.put("gate", {"question": "Go on?", "closed": ""}, f"card:{second}", upgrade)
            changed.setdefault((upgrade, "root"), second)
        room.announcer.turn()
        waiting = {(message.upgrade, message.slot) for message in room.outbox.list_unsent(room.clock.now())}
        for upgrade, slot in set(changed) - waiting:
            oldest[slot] = max(oldest[slot], second - changed.pop((upgrade, slot)))
        room.clock.advance(1)
    for (_, slot), second in changed.items():
        oldest[slot] = max(oldest[slot], 119 - second)
    return oldest


def test_a_clock_set_back_delays_no_edit(room: PostRoom) -> None:
    """What was edited in the future may be edited now."""
    room.put_root()
    room.put("progress", {"sentence": "1 of 9"}, "progress")
    room.settle()
    room.put("progress", {"sentence": "2 of 9"}, "progress")
    room.settle()
    room.clock.advance(-3600)
    room.put("progress", {"sentence": "3 of 9"}, "progress")
    room.settle(60)
    assert "3 of 9" in room.texts()[-1]


def test_a_clock_set_back_delays_no_deferred_message(room: PostRoom) -> None:
    """A pause that Slack asked for does not grow by the hour."""
    room.put_root()
    room.slack.fault("429", method="chat.postMessage", seconds=30)
    room.announcer.turn()
    room.clock.advance(-3600)
    room.settle(120)
    assert len(room.texts()) == 1


def test_a_quota_gives_its_number_in_any_minute() -> None:
    """Counted over each span of 60 seconds, not by the clock's minutes."""
    quota, taken = Quota(30), list[float]()
    for second in range(300):
        now = START + timedelta(seconds=second)
        while quota.seconds_until_free(now) == 0.0 and len(taken) < 400:
            quota.take(now)
            taken.append(second)
    assert max(sum(one <= other < one + 60 for other in taken) for one in taken) == 30


def test_a_quota_says_when_the_next_is_free() -> None:
    """A minute after the oldest of them."""
    quota = Quota(2)
    for second in (0, 10):
        quota.take(START + timedelta(seconds=second))
    assert quota.seconds_until_free(START + timedelta(seconds=20)) == 40.0


def test_a_quota_does_not_wait_for_a_clock_that_was_set_back() -> None:
    """What was taken lies in the future then."""
    quota = Quota(1)
    quota.take(START)
    assert quota.seconds_until_free(START - timedelta(hours=1)) == 0.0


def test_reminders_that_waited_for_slack_come_thirty_a_minute(room: PostRoom) -> None:
    """However many there are when it can be reached again; other messages are not held up by them."""
    for number in range(70):
        room.put("reminder", {"text": f"reminder {number}"}, f"reminder:{number}:x", "")
    room.settle()
    stamps = sorted(float(message["ts"]) for message in room.slack.messages())
    assert len(stamps) == 70
    assert max(sum(one <= other < one + 60 for other in stamps) for one in stamps) <= 30
