"""The simulated mesh whose control plane is on the target; a module may have a snapshot of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster.http.tls import ServingCertificate, ensure_certificate
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh, take_mesh_snapshot
from tests.unit.steps.rig import load_release


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Any]:
    """Make the mesh once."""
    return take_mesh_snapshot(load_release())


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServingCertificate:
    """Make one certificate for all clusters."""
    return ensure_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def mesh(snapshot: dict[str, Any], certificate: ServingCertificate, tmp_path: Path) -> Iterator[SimulatedMesh]:
    """Give the mesh with its control plane on the target and its sidecars on 1.4.7."""
    with ExitStack() as stack:
        yield SimulatedMesh(load_release(), certificate, tmp_path, stack, snapshot)
