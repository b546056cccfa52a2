"""Whole upgrades on the simulated cluster while the machine around the bot misbehaves."""

from __future__ import annotations

from collections import Counter

import pytest

from sandbox.cluster.server.faults import RequestFault
from tests.scenarios.desk import CLUSTER, Desk
from tests.scenarios.film import BEFORE_WRITING, Film

HOUR = 3600.0


@pytest.fixture(scope="session")
def wire() -> bool:
    """Requests fail on their way here."""
    return True


def jump(desk: Desk, seconds: float) -> None:
    """Set the clock of the bot's machine; Slack and the cluster keep theirs."""
    desk.world.clock.ahead += seconds


def finish(desk: Desk) -> None:
    """Approve and retry until the upgrade has ended."""
    while row := desk.rig.bot.journal.find_open_upgrade(CLUSTER):
        if row.state == "running":
            desk.rig.run_until(desk._stands_still, 20_000)
        else:
            desk.click("approve" if row.state == "asking" else "retry")


@pytest.mark.weather("clock set forward or back by an hour")
@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_clock_set_in_the_middle_loses_no_pod(film: Film, seconds: float) -> None:
    """Once while the control plane moves and once while sidecars do: it ends in time, by retries at most."""
    with film.sit(BEFORE_WRITING) as desk:
        for gate in (BEFORE_WRITING, "sidecars/approve"):
            go_to(desk, gate)
            desk.click("approve")
            for _ in range(6):
                desk.rig.turn()
                desk.rig.pass_time(2)
            jump(desk, seconds)
        begun = desk.world.clock.seconds()
        finish(desk)
        states = Counter(entry.state for entry in desk.rig.bot.journal.read_ledger(f"{CLUSTER}-1"))
        assert (states["failed"], states["pending"], desk.world.clock.seconds() - begun < HOUR) == (0, 0, True)


def go_to(desk: Desk, gate: str) -> None:
    """Approve and retry until this gate asks."""
    while (row := desk.read()).step != gate or row.state != "asking":
        if row.state == "running":
            desk.rig.run_until(desk._stands_still, 20_000)
        else:
            desk.click("approve" if row.state == "asking" else "retry")


@pytest.mark.weather("one request in twenty failing")
@pytest.mark.timeout(400)
def test_one_request_in_twenty_that_fails_stops_nothing(desk: Desk) -> None:
    """Half of them answered by 500, half cut: only asmctl, which repeats no request, may need a person's retry."""
    desk.world.cluster.faults.requests += [RequestFault("status", percent=2.5), RequestFault("reset", percent=2.5)]
    desk.start()
    while row := desk.rig.bot.journal.find_open_upgrade(CLUSTER):
        assert row.state != "blocked" or row.step == "validate/run", desk.rig.describe()
        if row.state != "running":
            desk.click("approve" if row.state == "asking" else "retry")
        desk.rig.run_until(desk._stands_still, 20_000)
    entries = desk.rig.bot.journal.read_ledger(f"{CLUSTER}-1")
    states = Counter(entry.state for entry in entries if not entry.namespace.startswith("asmctl-"))
    assert states == {"upgraded": 56, "manual": 2}
