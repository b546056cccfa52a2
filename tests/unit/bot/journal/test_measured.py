"""What ended upgrades took: this cluster's own first, then the fleet's, and never a person's or a window's time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from bot.journal.measured import Paces
from bot.journal.records import UpgradeState
from bot.schedule.tables import Schedules
from steps.contract.forecast import Measured
from steps.contract.ledger import LedgerEntry
from steps.contract.options import Limits, UpgradeOptions
from steps.notes.prepare import NODES
from steps.notes.sidecars import ROUNDS, Seen
from tests.unit.bot.workbench import ANA, START, Build, Engine

PLANE = ("control-plane/backup", "control-plane/apply", "control-plane/rollout")
TURN = 10


@pytest.fixture
def engine(build: Build) -> Engine:
    """A journal without upgrades."""
    return build({})


def end_upgrade(
    engine: Engine,
    key: str = "cluster-x",
    number: int = 1,
    *,
    rounds: tuple[float, float] = (120.0, 10.0),
    minutes: int = 6,
    state: str = "upgraded",
    gap: str = "",
) -> str:
    """An upgrade whose every step takes `minutes`; at `gap` nobody looks for an hour."""
    row = engine.add_upgrade([*PLANE, "sidecars/restart"], key, number)
    for step in row.plan:
        take(engine, row.id, step, minutes, 3600 if step == gap else 0)
    engine.journal.remember(row.id, ROUNDS, Seen(*rounds, START, START))
    engine.journal.remember(row.id, NODES, 5)
    engine.journal.record_entries(row.id, list_pods(60))
    engine.journal.change_upgrade(row.id, state=cast(UpgradeState, state), due=None, ended_at=engine.clock.now())
    return row.id


def take(engine: Engine, upgrade: str, step: str, minutes: float, gap: float = 0) -> None:
    """A step that is looked at every 10 s, and at first not for so long."""
    engine.journal.record_step(upgrade, step, "Waiting", "", engine.clock.now(), ended=False)
    engine.clock.advance(gap)
    for turn in range(int(minutes * 60 / TURN)):
        engine.clock.advance(TURN if turn or not gap else 0)
        engine.journal.record_step(upgrade, step, "Waiting", "", engine.clock.now(), ended=False)
    engine.journal.record_step(upgrade, step, "Done", "", engine.clock.now(), ended=True)


def list_pods(count: int, evidence: str = "on proxyv2:1.4.10-asm.18") -> Sequence[LedgerEntry]:
    """Pods that were moved."""
    moved = {"namespace": "shop", "workload": "shop/Deployment/web", "wave": "shop", "evidence": evidence}
    return [LedgerEntry(uid=f"{evidence}{n}", pod=f"web-{n}", state="upgraded", **moved) for n in range(count)]


def find(engine: Engine, cluster: str = "cluster-x") -> Measured:
    """What a new bot knows."""
    return Paces(engine.store).find_measured(cluster)


def test_nothing_is_measured_before_an_upgrade_has_ended(engine: Engine) -> None:
    """The guide's figures hold."""
    assert find(engine) == Measured()


def test_a_clusters_own_upgrade_is_measured(engine: Engine) -> None:
    """60 pods in 6 minutes, rounds of 12 s, a control plane of three steps."""
    end_upgrade(engine)
    assert find(engine) == Measured(12.0, 10.0, "this cluster's own", 18.0, "this cluster's own", 5)


def test_the_latest_of_its_own_counts(engine: Engine) -> None:
    """The cluster may have grown since the one before."""
    end_upgrade(engine, rounds=(120, 10))
    end_upgrade(engine, number=2, rounds=(200, 10))
    assert find(engine).round_seconds == 20


def test_without_its_own_the_fleets_median_counts(engine: Engine) -> None:
    """Named as such."""
    for number, seconds in enumerate((100, 300, 140)):
        end_upgrade(engine, f"cluster-{number}", rounds=(seconds, 10))
    measured = find(engine)
    assert (measured.round_seconds, measured.sidecars_source) == (14.0, "the fleet's")


def test_its_own_counts_however_many_others_ended_since(engine: Engine) -> None:
    """The fleet's latest twenty don't push it out."""
    end_upgrade(engine, rounds=(300, 10), minutes=1)
    for number in range(25):
        end_upgrade(engine, f"cluster-{number}", minutes=1)
    assert (find(engine).round_seconds, find(engine).sidecars_source) == (30.0, "this cluster's own")


@pytest.mark.parametrize("state", ["aborted", "running", "blocked"])
def test_only_an_upgrade_that_reached_its_end_is_measured(engine: Engine, state: str) -> None:
    """Half of one tells little."""
    end_upgrade(engine, state=state)
    assert find(engine) == Measured()


def test_a_step_at_which_a_person_helped_is_not_measured(engine: Engine) -> None:
    """The other phase still is."""
    upgrade = end_upgrade(engine)
    with engine.store.transact() as db:
        db.execute(
            "insert into approvals (upgrade, step, generation, kind, question, choices, binding, digest, asked_at)"
            " values (?, 'sidecars/restart', 1, 'blocked', '', '[]', '{}', '', 0)",
            [upgrade],
        )
    measured = find(engine)
    assert (measured.round_seconds, measured.control_plane_minutes) == (0.0, 18.0)


@pytest.mark.parametrize(("step", "left"), [("sidecars/restart", (0.0, 18.0)), ("control-plane/apply", (12.0, 0.0))])
def test_a_step_that_the_window_held_is_not_measured(engine: Engine, step: str, left: tuple[float, float]) -> None:
    """What it took says nothing about the cluster."""
    upgrade = end_upgrade(engine)
    Schedules(engine.store).put_hold(upgrade, step, "the window is closed", None, START)
    measured = find(engine)
    assert (measured.round_seconds, measured.control_plane_minutes) == left


def test_a_step_that_was_paused_is_not_measured(engine: Engine) -> None:
    """Pods that moved meanwhile were seen late."""
    row = engine.add_upgrade(["sidecars/restart"])
    engine.journal.record_step(row.id, "sidecars/restart", "Waiting", "", engine.clock.now(), ended=False)
    engine.click("pause", ANA)
    engine.click("resume", ANA)
    take(engine, row.id, "sidecars/restart", 5)
    engine.journal.remember(row.id, ROUNDS, Seen(100, 10, START, START))
    engine.journal.change_upgrade(row.id, state="upgraded", due=None, ended_at=engine.clock.now())
    assert find(engine).round_seconds == 0


def test_the_pace_leaves_soaks_out(engine: Engine) -> None:
    """60 pods in 6 minutes of which one was a soak."""
    upgrade = end_upgrade(engine)
    engine.journal.change_upgrade(upgrade, options=UpgradeOptions(limits=Limits(soak_seconds=60)))
    assert find(engine).pods_per_minute == 12


def test_pods_that_were_current_before_are_no_pace(engine: Engine) -> None:
    """Nobody moved them."""
    upgrade = end_upgrade(engine)
    engine.journal.record_entries(upgrade, list_pods(500, "already on 1.4.10"))
    assert find(engine).pods_per_minute == 10


def test_time_in_which_nobody_looked_is_not_the_upgrades(engine: Engine) -> None:
    """A hold of an hour in the middle of a step."""
    upgrade = end_upgrade(engine, gap="sidecars/restart")
    assert Paces(engine.store).measure_took(upgrade)["sidecars"] == pytest.approx(6, abs=0.2)


def test_what_waits_for_people_is_not_in_what_it_took(engine: Engine) -> None:
    """An approval after half a minute."""
    row = engine.add_upgrade(["sidecars/approve"])
    take(engine, row.id, "sidecars/approve", 0.5)
    assert Paces(engine.store).measure_took(row.id) == {}


def test_an_upgrade_is_measured_once(engine: Engine) -> None:
    """What has ended does not change, and a fleet's history would be read at each card."""
    paces = Paces(engine.store)
    upgrade = end_upgrade(engine)
    paces.find_measured("cluster-x")
    engine.clock.time += timedelta(days=1)
    engine.journal.revise_json(upgrade, ROUNDS.key, ROUNDS.write(Seen(999, 1, START, START)))
    assert paces.find_measured("cluster-x").round_seconds == 12
