"""The Lease while people are asked: renewed at a slow beat, never taken from another bot or written to a stranger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from steps.contract.errors import TryAgain
from steps.contract.leases import Lease
from steps.contract.step import Ask, Blocked, Done
from steps.notes.permissions import LEASE, LEASE_BEGUN, LEASE_LOST
from steps.phases.lease.renewal import BEAT, keep, needs_renewal
from steps.phases.lease.takeover import EXPIRY
from tests.unit.steps.paper import Paper
from tests.unit.steps.phases.lease.bots import BIND, holder, run, start_bot, take_over

NIGHT = timedelta(hours=12)


def keep_for(paper: Paper, length: timedelta) -> int:
    """Let a question stand for so long, looked after; the requests that this took."""
    before = paper.kubernetes.leases.requests
    for _ in range(length // BEAT):
        paper.advance(BEAT)
        assert needs_renewal(paper.context(None, "validate/approve").recall(LEASE), paper.now)
        assert keep(paper.context(None, "validate/approve")) == Done("")
    return paper.kubernetes.leases.requests - before


def test_a_question_that_stands_for_a_night_keeps_the_cluster(pair: tuple[Paper, Paper]) -> None:
    """One request in three minutes; another bot is still told of a bot that holds it, and needs two people."""
    first, second = pair
    assert keep_for(first, NIGHT) == NIGHT / BEAT
    second.advance(NIGHT)
    refused = run(second, BIND)
    assert isinstance(refused, Blocked)
    assert [choice.id for choice in refused.choices] == ["take-over-early"]
    assert isinstance(run(second, BIND, take_over(second)), Blocked)
    assert (holder(first), second.kubernetes.writes) == ("journal-1", [])


def test_two_beats_may_be_missed() -> None:
    """Before anybody may take the cluster over."""
    assert 3 * BEAT < EXPIRY


def test_what_acts_renews_its_own(pair: tuple[Paper, Paper]) -> None:
    """And what has none needs none: a proposal, or an account that may have no Lease."""
    first, second = pair
    for paper in pair:
        paper.advance(BEAT - timedelta(seconds=1))
    assert not needs_renewal(first.context(None, BIND).recall(LEASE), first.now)
    assert not needs_renewal(second.context(None, BIND).recall(LEASE), second.now)
    kept = first.context(None, BIND).recall(LEASE)
    assert kept
    assert not needs_renewal(replace(kept, version="", why_not="may not get leases"), first.now + BEAT)
    assert needs_renewal(kept, kept.at - BEAT), "a clock that was set back"


def test_a_bot_that_was_down_takes_its_own_again(pair: tuple[Paper, Paper]) -> None:
    """The first beat after its start does, long after the Lease had run out."""
    first, second = pair
    first.advance(NIGHT)
    assert keep(first.context(None, "validate/approve")) == Done("")
    second.advance(NIGHT)
    refused = run(second, BIND)
    assert isinstance(refused, Blocked)
    assert [choice.id for choice in refused.choices] == ["take-over-early"]


@pytest.mark.parametrize("what", ["deleted", "given back by hand", "written by its own twin"])
def test_what_is_nobody_elses_is_taken_again(pair: tuple[Paper, Paper], what: str) -> None:
    """Somebody tidied up, or the note of the last renewal was lost."""
    first, _ = pair
    leases = first.kubernetes.leases
    assert leases.held
    match what:
        case "deleted":
            leases.held = None
        case "given back by hand":
            leases.held = Lease(leases.held.namespace, leases.held.name, resource_version="by hand")
        case _:
            leases.held = replace(leases.held, resource_version="later")
    first.advance(BEAT)
    assert keep(first.context(None, "validate/approve")) == Done("")
    assert holder(first) == "journal-1"
    assert keep_for(first, 2 * BEAT) == 2


def take_it_over(first: Paper, second: Paper) -> None:
    """The second bot takes an expired Lease over."""
    second.advance(EXPIRY)
    first.advance(EXPIRY)
    run(second, BIND)
    assert isinstance(run(second, BIND, take_over(second)), Done)


def test_another_bots_is_left_to_it_and_told_once(pair: tuple[Paper, Paper]) -> None:
    """It was taken over while this bot was down; the next step that acts asks a person."""
    first, second = pair
    take_it_over(first, second)
    told = keep(first.context(None, "validate/approve"))
    assert isinstance(told, Done)
    assert "cluster-x was taken over meanwhile: it is held by the upgrade cluster-x-1 of another bot" in told.sentence
    assert holder(first) == "journal-2"
    assert "journal-2" in (first.context(None, BIND).recall(LEASE_LOST) or "")
    assert not needs_renewal(first.context(None, BIND).recall(LEASE), first.now + NIGHT)
    assert isinstance(run(first, "access/check"), Blocked)


def test_a_stranger_under_the_same_name_is_not_written_to(pair: tuple[Paper, Paper]) -> None:
    """A cluster was made anew meanwhile."""
    first, _ = pair
    before = first.kubernetes.leases.requests
    first.kubernetes.cluster_uid = "another"
    first.advance(BEAT)
    assert keep(first.context(None, "validate/approve")) == Done("")
    assert first.kubernetes.leases.requests == before


def test_what_acts_next_looks_at_the_cluster_for_itself(pair: tuple[Paper, Paper]) -> None:
    """A beat of a moment ago stands for no look: the cluster may be reached in another way by now."""
    first, _ = pair
    first.advance(BEAT)
    keep(first.context(None, "validate/approve"))
    first.kubernetes.server = replace(first.kubernetes.server, ca="other" * 8)
    assert isinstance(run(first, "access/check"), Ask)


def test_a_renewal_at_the_very_end_is_given_back_all_the_same(
    pair: tuple[Paper, Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end looks again where the Lease was renewed under its hands."""
    first, _ = pair
    kubernetes = first.kubernetes
    read = kubernetes.read_lease

    def read_and_lose(namespace: str, name: str) -> Lease | None:
        found = read(namespace, name)
        monkeypatch.undo()
        first.advance(BEAT)
        keep(first.context(None, "finish/revoke"))
        return found

    monkeypatch.setattr(kubernetes, "read_lease", read_and_lose)
    with pytest.raises(TryAgain):
        run(first, "finish/revoke")
    assert first.context(None, BIND).recall(LEASE_BEGUN)
    assert isinstance(run(first, "finish/revoke"), Done)
    assert holder(first) == ""


def test_a_bot_without_a_lease_has_nothing_to_keep() -> None:
    """It has never been bound."""
    assert not needs_renewal(start_bot("journal-1").context(None, BIND).recall(LEASE), start_bot("journal-1").now)
