"""Leases of clusters that stand beside one that is silent, or one whose thread can't be started."""

from __future__ import annotations

from concurrent.futures import wait
from threading import Event, Thread

import pytest

from bot.engine.renewals import Renewals
from bot.journal.rows import UpgradeRow
from steps.contract.leases import Lease
from steps.notes.permissions import LEASE
from tests.unit.bot.engine.test_own_bindings import Places
from tests.unit.bot.engine.test_renewals import PLAN, Scene, renew
from tests.unit.bot.engine.test_renewals import scene as scene
from tests.unit.steps.paper_ports import PaperKubernetes

PATIENCE = 20.0


class Silent(PaperKubernetes):
    """An API server that does not answer until the test ends."""

    def __init__(self, gate: Event) -> None:
        super().__init__()
        self.gate, self.began = gate, Event()
        self.asked = 0

    def renew_lease(self, lease: Lease) -> str | None:
        """Hang."""
        self.asked += 1
        self.began.set()
        self.gate.wait(3 * PATIENCE)
        return super().renew_lease(lease)


def turn_after(scene: Scene, renewals: Renewals, silent: Silent) -> None:
    """A later turn, with both clusters asked and the other one's answer come."""
    scene.engine.clock.advance(200)
    renewals.turn()
    assert silent.began.wait(PATIENCE)
    assert not wait([renewals._running["cluster-x-1"]], PATIENCE).not_done


def test_a_silent_cluster_takes_no_other_ones_lease_with_it(scene: Scene) -> None:
    """Ten of them would have let it expire; each is asked once until it answers."""
    gate = Event()
    silent = Places(kubernetes=Silent(gate))
    scene.engine.add_upgrade(PLAN, "cluster-y")
    kept = scene.engine.journal.recall("cluster-x-1", LEASE)
    assert kept
    scene.engine.journal.change_upgrade("cluster-y-1", state="asking", due=None)
    scene.engine.journal.remember("cluster-y-1", LEASE, kept)
    renewals = renew(scene.engine, scene.places, silent=silent)
    before = scene.places.kubernetes.leases.requests
    assert isinstance(silent.kubernetes, Silent)
    turn_after(scene, renewals, silent.kubernetes)
    turn_after(scene, renewals, silent.kubernetes)
    assert (scene.places.kubernetes.leases.requests - before, silent.kubernetes.asked) == (2, 1)
    gate.set()
    wait(renewals._running.values(), 20)


def test_a_lease_that_finds_no_thread_is_renewed_by_none_unseen(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of that turn that gets free leaves it to the next turn: never is it renewed twice at once."""
    gate, began, renewed = Event(), Event(), list[str]()

    def renew_one(_step: object, row: UpgradeRow) -> None:
        began.set()
        gate.wait(PATIENCE)
        renewed.append(row.id)

    real = Thread.start

    def start_one(thread: Thread) -> None:
        if began.is_set():
            raise RuntimeError("can't start new thread")
        real(thread)
        assert began.wait(PATIENCE)

    renewals = renew(scene.engine, scene.places, silent=scene.places)
    scene.engine.add_upgrade(PLAN, "cluster-y")
    monkeypatch.setattr(renewals._asides, "run", renew_one)
    rows = scene.engine.journal.list_open_upgrades()
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", start_one)
        renewals._renew_together(rows)
    running = dict(renewals._running)
    gate.set()
    assert [future.result(PATIENCE) for future in running.values()] == [None]
    missed = [row for row in rows if row.id not in running]
    renewals._renew_together(missed)
    renewals._running[missed[0].id].result(PATIENCE)
    assert sorted(renewed) == sorted(row.id for row in rows)
