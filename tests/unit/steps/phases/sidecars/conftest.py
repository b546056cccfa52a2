"""The simulated mesh whose control plane is on the target; a module may have a snapshot of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.direct import DirectConnection
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh, take_plain_snapshot
from tests.unit.steps.rig import load_release


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Any]:
    """Give the mesh as it stands before each test; a module may have another."""
    return take_plain_snapshot()


@pytest.fixture
def mesh(snapshot: dict[str, Any]) -> Iterator[SimulatedMesh]:
    """Give the mesh with its control plane on the target and its sidecars on 1.4.7."""
    with ExitStack() as stack:
        yield SimulatedMesh(load_release(), DirectConnection, stack, snapshot)
