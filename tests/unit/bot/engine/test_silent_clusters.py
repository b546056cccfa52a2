"""Leases of clusters that stand beside one that is silent."""

from __future__ import annotations

from concurrent.futures import wait
from threading import Event

from steps.contract.leases import Lease
from steps.notes.permissions import LEASE
from tests.unit.bot.engine.test_own_bindings import Places
from tests.unit.bot.engine.test_renewals import PLAN, Scene, renew
from tests.unit.bot.engine.test_renewals import scene as scene
from tests.unit.steps.paper_ports import PaperKubernetes


class Silent(PaperKubernetes):
    """An API server that does not answer until the test ends."""

    def __init__(self, gate: Event) -> None:
        super().__init__()
        self.gate = gate
        self.asked = 0

    def renew_lease(self, lease: Lease) -> str | None:
        """Hang."""
        self.asked += 1
        self.gate.wait(20)
        return super().renew_lease(lease)


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
    scene.engine.clock.advance(200)
    renewals.turn()
    scene.engine.clock.advance(200)
    renewals.turn()
    assert isinstance(silent.kubernetes, Silent)
    assert (scene.places.kubernetes.leases.requests - before, silent.kubernetes.asked) == (2, 1)
    gate.set()
    wait(renewals._running.values(), 20)
