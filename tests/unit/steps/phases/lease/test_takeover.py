"""Taking a cluster over from another bot: by one person once its Lease has run out, by two before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from steps.contract.step import Ask, Blocked, Decision, Done, Outcome
from steps.notes.permissions import LEASE_LOST
from steps.phases.lease.takeover import TAKE_OVER, TAKE_OVER_EARLY
from tests.unit.steps.paper import Paper
from tests.unit.steps.phases.lease.bots import BIND, REASON, holder, run, take_over

ANA, BEN = "U0ANA00001", "U0BEN00002"


def say_early(paper: Paper, by: str, reason: str = REASON) -> Outcome:
    """One of two people takes the cluster over while the other bot may act."""
    return run(paper, BIND, take_over(paper, TAKE_OVER_EARLY.id, by, reason))


def test_an_expired_lease_is_asked_about(pair: tuple[Paper, Paper]) -> None:
    """An approver takes it over with a reason; the bot that had it does nothing more."""
    first, second = pair
    second.advance(timedelta(minutes=10))
    asked = run(second, BIND)
    assert isinstance(asked, Blocked)
    assert (asked.choices, TAKE_OVER.needs_reason, second.kubernetes.writes) == ((TAKE_OVER,), True, [])
    assert isinstance(run(second, BIND, take_over(second)), Done)
    assert holder(first) == "journal-2"
    assert [said for said in second.said if REASON in said and "cluster-x-1 of another bot" in said]
    first.advance(timedelta(minutes=10, seconds=1))
    stopped = run(first, "access/check")
    assert isinstance(stopped, Blocked)
    assert "journal-2" in stopped.why


def test_a_takeover_counts_for_what_was_shown(pair: tuple[Paper, Paper]) -> None:
    """The first bot came back while the question was open."""
    first, second = pair
    second.advance(timedelta(minutes=10))
    run(second, BIND)
    first.advance(timedelta(minutes=10))
    run(first, "access/check")
    for later in (timedelta(), timedelta(minutes=11)):
        second.advance(later)
        assert isinstance(run(second, BIND, take_over(second)), Blocked)
    assert holder(first) == "journal-1"


def test_what_the_step_asks_next_is_not_decided_by_a_takeover(pair: tuple[Paper, Paper]) -> None:
    """The decision stays for the turns that follow, and means nothing to the step."""
    _, second = pair
    second.advance(timedelta(minutes=10))
    run(second, BIND)
    decision = take_over(second)
    run(second, BIND, decision)
    second.kubernetes.server = replace(second.kubernetes.server, ca="other" * 8)
    second.advance(timedelta(minutes=1))
    assert isinstance(run(second, BIND, decision), Ask)


def test_before_that_it_takes_two(pair: tuple[Paper, Paper]) -> None:
    """The second of them is another person, and both stand in the thread with their reasons."""
    first, second = pair
    asked = run(second, BIND)
    assert isinstance(asked, Blocked)
    assert (asked.choices, TAKE_OVER_EARLY.needs_reason) == ((TAKE_OVER_EARLY,), True)
    for _ in range(2):
        alone = say_early(second, BEN)
        assert isinstance(alone, Blocked)
        assert f"{{person {BEN}}} would take it over: {REASON}" in alone.why
        assert "a second one is needed" in alone.remedy
    assert (second.kubernetes.writes, holder(first)) == ([], "journal-1")
    assert isinstance(say_early(second, ANA, "it is in the wrong project"), Done)
    assert holder(first) == "journal-2"
    told = f"{REASON}; it is in the wrong project"
    assert [said for said in second.said if f"{{person {BEN}}} and {{person {ANA}}}" in said and told in said]


@pytest.mark.parametrize("what", ["unseen", "late", "another holder"])
def test_the_first_ones_word_counts_for_an_hour_and_this_holder(pair: tuple[Paper, Paper], what: str) -> None:
    """And not before anything was shown."""
    first, second = pair
    if what != "unseen":
        run(second, BIND)
    say_early(second, BEN)
    if what == "late":
        for paper in pair:
            paper.advance(timedelta(hours=1))
        run(first, BIND)
    if what == "another holder":
        held = first.kubernetes.leases.held
        assert held is not None
        first.kubernetes.leases.held = replace(held, holder="asm-upgrade-bot/journal-3/cluster-x-1")
    assert isinstance(say_early(second, ANA), Blocked)
    assert second.kubernetes.writes == []


def test_one_persons_word_for_an_expired_lease_takes_none_that_is_held(pair: tuple[Paper, Paper]) -> None:
    """The choices are two."""
    _, second = pair
    run(second, BIND)
    for by in (BEN, ANA):
        assert isinstance(run(second, BIND, Decision(TAKE_OVER.id, by, second.now, reason=REASON)), Blocked)


def test_who_lost_the_lease_keeps_a_note_of_it_until_it_is_had_again(pair: tuple[Paper, Paper]) -> None:
    """An alert rests on it; the bot that waits for its first turn has lost nothing."""
    first, second = pair
    run(second, BIND)
    say_early(second, BEN)
    assert second.memory.recall(LEASE_LOST.key) is None
    say_early(second, ANA)
    first.advance(timedelta(minutes=1))
    run(first, "access/check")
    assert "journal-2" in str(first.memory.recall(LEASE_LOST.key))
    run(second, "finish/revoke")
    assert isinstance(run(first, "access/check"), Done)
    assert first.memory.recall(LEASE_LOST.key) is None
