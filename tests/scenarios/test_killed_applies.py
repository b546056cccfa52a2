"""Something is killed at each call of an apply: nothing unapproved, nothing twice, and nobody has to be woken."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Literal, TypeAlias

import pytest

from sandbox.cluster.server.faults import RequestFault
from tests.scenarios.desk import Desk
from tests.scenarios.rig import Rig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Victim: TypeAlias = Literal["istioctl", "guard", "kubectl", "bot and all"]
AWAY_SECONDS = 3.0


def list_written(desk: Desk) -> list[Path]:
    """The calls of guarded applies that have handed objects over, oldest first."""
    runs = desk.world.settings.state / "programs" / "runs"
    found = runs.glob("cluster-x-1-apply-*/kubectl/calls/*/stdin")
    return sorted(place.parent for place in found)


def find_program(desk: Desk, victim: Victim, call: Path) -> int:
    """The process of a victim at this call, 0 where it is over already."""
    lock = call.parents[2] / "lock"
    istioctl = int(lock.read_text().strip() or 0)
    guard = int(call.name.rpartition("-")[2])
    match victim:
        case "istioctl":
            return istioctl
        case "guard":
            return guard
        case "kubectl":
            return find_child(guard)
        case "bot and all":
            return -istioctl


def find_child(parent: int) -> int:
    """A child of a process, 0 where it has none."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return 0
    return int(children[0]) if children else 0


def kill(process: int) -> None:
    """kill -9 of a process, or of its whole group where the number is negative."""
    if process:
        try:
            (os.killpg if process < 0 else os.kill)(abs(process), signal.SIGKILL)
        except ProcessLookupError:
            return


@pytest.fixture
def at_apply(desk: Desk) -> Desk:
    """Give an upgrade whose apply was approved and is about to start."""
    desk.start()
    desk.run_to("control-plane/approve")
    desk.click("approve")
    return desk


def run_until_call(desk: Desk, number: int) -> Path:
    """Let the apply go on until it has handed over so many calls; the last of them."""
    desk.rig.run_until(lambda: len(list_written(desk)) >= number, 20_000)
    return list_written(desk)[number - 1]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the programs")
@pytest.mark.parametrize(("victim", "number"), [("istioctl", 1), ("guard", 4), ("kubectl", 6), ("bot and all", 3)])
def test_a_kill_in_the_middle_of_an_apply_costs_time_only(at_apply: Desk, victim: Victim, number: int) -> None:
    """The upgrade goes on by itself, over the approved record alone."""
    desk = at_apply
    kill(find_program(desk, victim, run_until_call(desk, number)))
    if victim == "bot and all":
        desk.rig.crash()
        desk.rig.restart()
    assert desk.run_to("validate/approve").state == "asking"
    assert count_questions(desk.rig, "control-plane/apply") == 0
    assert count_claims(desk) <= {1}


def count_questions(rig: Rig, step: str) -> int:
    """How often a person was asked at a step."""
    return sum(question.step == step for question in rig.bot.journal.list_questions("cluster-x-1"))


def count_claims(desk: Desk) -> set[int]:
    """How often each part of the record was passed on in one run."""
    claims = (desk.world.settings.state / "programs" / "runs").glob("cluster-x-1-apply-*/kubectl/claims/*")
    counted: dict[Path, int] = {}
    for claim in claims:
        counted[claim] = counted.get(claim, 0) + 1
    return set(counted.values())


def test_an_api_server_that_goes_away_in_the_middle_costs_time_only(at_apply: Desk) -> None:
    """GKE does this to zonal masters at each resize; the guard waits it out."""
    desk = at_apply
    run_until_call(desk, 3)
    desk.world.cluster.faults.requests.append(RequestFault("reset"))
    end = time.monotonic() + AWAY_SECONDS
    desk.rig.run_until(lambda: time.monotonic() > end, 20_000)
    desk.world.cluster.faults.requests.clear()
    assert desk.run_to("validate/approve").state == "asking"
    assert count_questions(desk.rig, "control-plane/apply") == 0
