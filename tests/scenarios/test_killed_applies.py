"""Something is killed at each call of an apply: nothing unapproved, nothing twice, and nobody has to be woken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, get_args

import pytest

from tests.scenarios.killing import Attempt, Brink, Moment, Victim, stand_at_the_brink
from tests.scenarios.rig import open_world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# Base's three parts with the UID before each, then five components at once beside twelve looks at disabled ones.
CALLS = 28
VICTIMS: tuple[Victim, ...] = get_args(Victim)
MOMENTS: tuple[Moment, ...] = get_args(Moment)
KILLS = tuple(product(range(1, CALLS + 1), MOMENTS, VICTIMS))
# Every victim and moment, at the first and the last call, at each part of Base and among what goes at once; the others
# with --every-kill.
SOME_KILLS: frozenset[tuple[int, Moment, Victim]] = frozenset({
    (1, "before", "kubectl"), (2, "after", "guard"), (4, "before", "istioctl"), (6, "after", "kubectl"),
    (9, "before", "guard"), (13, "before", "all of them"), (17, "after", "istioctl"), (22, "after", "bot"),
    (28, "before", "kubectl"),
})  # fmt: skip
SOME_OUTAGES = frozenset({5, 20})
AWAY_SECONDS = 8.0


@pytest.fixture(scope="module")
def brink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brink]:
    """Give an upgrade whose apply was approved and is about to start."""
    folder = tmp_path_factory.mktemp("brink")
    with open_world(folder / "world", rate_limits=False, wire=False) as world:
        yield stand_at_the_brink(world, folder / "files")


@pytest.fixture(scope="module")
def quiet(brink: Brink) -> list[Any]:
    """What an apply makes of the cluster that nothing happens to."""
    with brink.begin() as attempt:
        attempt.finish()
        assert len([call for call in attempt.calls.iterdir() if call.name.isdigit()]) == CALLS
        return attempt.describe_cluster()


@pytest.fixture
def attempt(brink: Brink, quiet: list[Any]) -> Iterator[Attempt]:
    """Give the bot as it stood there."""
    with brink.begin() as begun:
        yield begun


def test_a_kill_costs_time_only(
    number: int, moment: Moment, victim: Victim, attempt: Attempt, quiet: list[Any]
) -> None:
    """Whoever is killed at whichever call: the apply ends by itself, over the approved record alone."""
    attempt.stop_at(number, moment)
    attempt.kill(victim)
    attempt.let_go()
    check_end(attempt, quiet)


def test_an_api_server_that_goes_away_costs_time_only(number: int, attempt: Attempt, quiet: list[Any]) -> None:
    """GKE does this to zonal masters at each resize; the guard waits it out."""
    attempt.stop_at(number, "before")
    attempt.take_server_away(AWAY_SECONDS)
    check_end(attempt, quiet)


def check_end(attempt: Attempt, quiet: list[Any]) -> None:
    """The apply is over, nobody was asked, no part went twice in one run, and the cluster is as ever."""
    attempt.finish()
    row = attempt.desk.read()
    assert (row.state, row.step) == ("running", "control-plane/rollout"), row.sentence
    assert attempt.count_questions() == 0
    assert {count for _, count in attempt.list_claims()} == {1}
    assert attempt.describe_cluster() == quiet


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The table, or some of it."""
    every = metafunc.config.getoption("every_kill")
    if "victim" in metafunc.fixturenames:
        metafunc.parametrize(("number", "moment", "victim"), [one for one in KILLS if every or one in SOME_KILLS])
    elif "number" in metafunc.fixturenames:
        metafunc.parametrize("number", [one for one in range(1, CALLS + 1) if every or one in SOME_OUTAGES])
