"""The bot stays below Slack's limits by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.outbox import Outbox
from bot.slack.pacing import Budget
from tests.unit.slack.desk import PostRoom
from tests.unit.slack.samples import START
from tests.unit.slack.stand_in import HandClock, LocalSlack, run_slack


@pytest.fixture
def slack(clock: HandClock) -> Iterator[LocalSlack]:
    """A local Slack with limits as honest as Slack's."""
    with run_slack(clock, rate_limits=True) as running:
        yield running


def test_a_budget_never_gives_more_than_burst_and_rate_in_a_minute() -> None:
    """45 edits a minute over all upgrades."""
    budget, now, taken = Budget(42, 3), START, 0
    while now < START + timedelta(seconds=60):
        if budget.seconds_until_free(now) == 0:
            budget.take(now)
            taken += 1
        now += timedelta(seconds=0.25)
    assert taken <= 45


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


def test_twenty_upgrades_provoke_no_429(room: PostRoom, outbox: Outbox) -> None:
    """With a progress message each that changes every second."""
    upgrades = [f"cluster-{number}-1" for number in range(20)]
    for upgrade in upgrades:
        room.put_root(upgrade)
        room.put("progress", {"sentence": "0"}, "progress", upgrade)
    room.settle()
    oldest = run_two_minutes(room, upgrades)
    methods = ("chat.postMessage", "chat.update", "conversations.replies", "conversations.history")
    refused = [call for method in methods for call in room.slack.calls(method) if not call["ok"]]
    assert (refused, oldest <= 30) == ([], True)


def run_two_minutes(room: PostRoom, upgrades: list[str]) -> float:
    """Change every progress message each second; the age in seconds of the stalest that was ever shown."""
    changed: dict[str, int] = {}
    oldest = 0
    for second in range(120):
        for upgrade in upgrades:
            room.put("progress", {"sentence": str(second)}, "progress", upgrade)
            changed.setdefault(upgrade, second)
        room.announcer.turn()
        waiting = {message.upgrade for message in room.outbox.list_unsent(room.clock.now())}
        for upgrade in set(upgrades) - waiting:
            oldest = max(oldest, second - changed.pop(upgrade))
        room.clock.advance(1)
    return max([oldest, *(119 - second for second in changed.values())])
