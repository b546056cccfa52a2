"""What the sidecars phase sends to a real API server, counted at the client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from steps.contract.options import Limits
from steps.contract.step import Done
from tests.bench.reinjection_lab import OLD, Lab, LabSize
from tests.realcluster.control_plane import ControlPlane, run_control_plane
from tests.unit.steps.rig import load_release, start

pytestmark = [pytest.mark.realcluster, pytest.mark.slow, pytest.mark.timeout(400)]
NO_LIMITS = Limits(workloads_at_once=0, pods_per_minute=0)
SIZE = LabSize(spaces=2, workloads_a_space=3, pods_a_workload=8)
WORKLOADS = SIZE.spaces * SIZE.workloads_a_space
PODS = WORKLOADS * SIZE.pods_a_workload
# The last look at everything, from which the ledger is closed.
SWEEP = 15
TURNS = 3000


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Fill a control plane of this module's own with a mesh and some workloads."""
    programs = request.config.getoption("control_plane")
    if programs is None:
        pytest.skip("counting needs --control-plane FOLDER: a given cluster is not taken over")
    with run_control_plane(programs, tmp_path_factory.mktemp("requests")) as plane, ExitStack() as stack:
        yield fill(plane, stack)


def fill(plane: ControlPlane, stack: ExitStack) -> Lab:
    """A lab whose pods have the old sidecar."""
    made = Lab(plane, load_release(), stack, SIZE)
    made.fill()
    return made


def count_restart(lab: Lab, evict: bool) -> tuple[int, float]:
    """Requests and seconds from the approval to the end; the pods are brought back to the old sidecar before."""
    lab.inject(OLD)
    lab.restart_at_once()
    lab.inject(lab.release.version)
    rig = start(lab.stage, limits=NO_LIMITS, evict_namespaces=tuple(lab.spaces) if evict else ())
    assert isinstance(rig.approve("approve"), Done)
    before, begun = lab.server.sent, time.monotonic()
    assert isinstance(rig.run("restart", TURNS), Done)
    seconds = time.monotonic() - begun
    lab.wait()
    assert rig.count("upgraded") == PODS, lab.list_versions()
    return lab.server.sent - before, seconds


def test_a_restarted_workload_costs_three_requests(lab: Lab) -> None:
    """Beyond that there is one a second for each namespace in flight."""
    sent, seconds = count_restart(lab, evict=False)
    assert sent <= 3 * WORKLOADS + seconds * SIZE.spaces + SWEEP


def test_an_evicted_pod_costs_two_requests(lab: Lab) -> None:
    """Beyond that there is one a second for each namespace in flight."""
    sent, seconds = count_restart(lab, evict=True)
    assert sent <= 2 * PODS + seconds * SIZE.spaces + SWEEP
