"""A bot that loses all but its files after each distinct write of an upgrade still ends where a quiet one does."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.scenarios.crashing import Crash, Records, Saboteur, report_counts, run_upgrade
from tests.scenarios.rig import open_world


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """An upgrade with a crash after each distinct write of the journal."""
    with open_world(tmp_path_factory.mktemp("disturbed"), rate_limits=False, wire=False) as world:
        records = run_upgrade(world, Saboteur())
    report_counts(records)
    return records


def test_it_was_crashed_more_than_a_hundred_times(disturbed: Records) -> None:
    """The test would prove nothing otherwise."""
    assert disturbed.crashes > 100


def test_the_cluster_ends_the_same(disturbed: Records, quiet: Records) -> None:
    """Generations are part of the state: a doubled effect would show."""
    assert disturbed.cluster == quiet.cluster


def test_the_ledger_ends_the_same(disturbed: Records, quiet: Records) -> None:
    """No pod is lost or counted twice."""
    assert disturbed.ledger == quiet.ledger


def test_no_approval_is_lost_and_no_gate_opens_by_itself(disturbed: Records, quiet: Records) -> None:
    """The same questions, each decided once by the same person."""
    assert disturbed.decisions == quiet.decisions


def test_each_thread_message_stands_once(disturbed: Records) -> None:
    """After an ambiguous post Slack is asked before it is posted again."""
    assert disturbed.repeated == []


def test_the_thread_tells_the_same(disturbed: Records, quiet: Records) -> None:
    """Nothing is left out, nothing is said twice."""
    assert disturbed.milestones == quiet.milestones


def test_no_program_is_started_twice(disturbed: Records) -> None:
    """A running program is adopted after a restart."""
    assert disturbed.doubled == []


def test_the_quiet_run_is_what_it_should_be(quiet: Records) -> None:
    """Two equal failures would compare well."""
    states = {state for (_, state) in quiet.ledger}
    assert states == {"upgraded", "manual"}


def test_a_write_that_differs_only_in_its_time_is_struck_once() -> None:
    """A saboteur strikes once for a write that differs in nothing but its time."""
    saboteur = Saboteur()
    saboteur.pending.append("update upgrades set due = 12.5")
    with suppress(Crash):
        saboteur.strike()
    saboteur.pending.append("update upgrades set due = 99.25")
    saboteur.strike()
    assert len(saboteur.seen) == 1
