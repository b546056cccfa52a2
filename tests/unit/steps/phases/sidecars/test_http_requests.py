"""What the phase sends to the API server, counted at the client against the simulated cluster."""

from __future__ import annotations

from typing import Any

import pytest

from steps.contract.options import Limits
from steps.contract.step import Done
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh
from tests.unit.steps.rig import start

NO_LIMITS = Limits(workloads_at_once=0, pods_per_minute=0)
RESTARTED = {"shop": 8, "data": 2}
SHOP_PODS = 49
# The last look at everything, from which the ledger is closed.
SWEEP = 15


def count_restart(mesh: SimulatedMesh, **options: Any) -> tuple[int, float]:
    """Requests and seconds from the approval to the end of the restarts."""
    rig = start(mesh, **options)
    rig.approve("approve")
    before, begun = mesh.server.sent, mesh.now
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("upgraded") == 56
    return mesh.server.sent - before, (mesh.now - begun).total_seconds()


@pytest.mark.parametrize("limits", [Limits(), NO_LIMITS], ids=["default limits", "no limits"])
def test_restarts_stay_within_their_requests(mesh: SimulatedMesh, limits: Limits) -> None:
    """Three a restarted workload, and one a second for each namespace in flight."""
    sent, seconds = count_restart(mesh, limits=limits)
    assert sent <= 3 * sum(RESTARTED.values()) + seconds * len(RESTARTED) + SWEEP


@pytest.mark.parametrize("limits", [Limits(), NO_LIMITS], ids=["default limits", "no limits"])
def test_evictions_stay_within_their_requests(mesh: SimulatedMesh, limits: Limits) -> None:
    """Two an evicted pod, of which a budget refuses some at first."""
    sent, seconds = count_restart(mesh, limits=limits, evict_namespaces=("shop",))
    assert sent <= 2 * SHOP_PODS + 3 * RESTARTED["data"] + seconds * len(RESTARTED) + SWEEP
