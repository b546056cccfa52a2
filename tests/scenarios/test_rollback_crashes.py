"""A bot that loses all but its files after each distinct write of a way back still ends where a quiet one does."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.journals.restoring import open_studio
from tests.scenarios.crashing import Records, Saboteur, report_counts, run_return
from tests.scenarios.film import THE_END, Film
from tests.scenarios.rig import open_world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Pair:
    """What a way back leaves behind that was disturbed, and one that was not."""

    disturbed: Records
    quiet: Records


@pytest.fixture(scope="module")
def pair(film: Film, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Both, from the end of one quiet upgrade."""
    with open_world(tmp_path_factory.mktemp("returns"), rate_limits=False, wire=False) as world:
        studio = open_studio(world)
        studio.restore(film.reel.frames[THE_END])
        quiet = run_return(world, None)
        studio.restore(film.reel.frames[THE_END])
        disturbed = run_return(world, Saboteur())
    report_counts(disturbed)
    return Pair(disturbed, quiet)


def test_it_was_crashed_often(pair: Pair) -> None:
    """The test would prove nothing otherwise."""
    assert pair.disturbed.crashes > 50


def test_the_cluster_ends_the_same(pair: Pair) -> None:
    """Generations are part of the state: a doubled effect would show."""
    assert pair.disturbed.cluster == pair.quiet.cluster


def test_the_ledger_ends_the_same(pair: Pair) -> None:
    """No pod is lost or counted twice."""
    assert pair.disturbed.ledger == pair.quiet.ledger
    assert {state for _, state in pair.quiet.ledger} == {"upgraded"}


def test_the_same_is_asked_and_decided_once(pair: Pair) -> None:
    """Nothing but the edited policies."""
    decisions = [("authorization/approve-return", "approve", "U0BEN00002")]
    assert (pair.disturbed.decisions, pair.quiet.decisions) == (decisions, decisions)


def test_each_thread_message_stands_once(pair: Pair) -> None:
    """In both threads."""
    assert (pair.disturbed.repeated, pair.disturbed.milestones) == ([], pair.quiet.milestones)


def test_no_program_is_started_twice(pair: Pair) -> None:
    """A running program is adopted after a restart."""
    assert pair.disturbed.doubled == []
