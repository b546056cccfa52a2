"""Every contract runs on the simulated cluster and, where one was given, on a real one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contracts.ground import GivenGround, Ground, RealGround, SimulatedGround, install_mesh
from tests.realcluster.control_plane import ControlPlane


@pytest.fixture(scope="session", params=["simulated", pytest.param("real", marks=pytest.mark.realcluster)])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Give one cluster for all contracts; each test makes namespaces of its own."""
    with ExitStack() as stack:
        built: Ground
        if request.param == "simulated":
            built = SimulatedGround(tmp_path_factory.mktemp("simulated"), stack)
        elif kubeconfig := request.config.getoption("kubeconfig"):
            built = GivenGround(Path(kubeconfig), stack)
        else:
            plane: ControlPlane = request.getfixturevalue("real_control_plane")
            built = RealGround(plane, stack)
        if "mesh" in built.powers:
            install_mesh(built)
        yield built


@pytest.fixture(autouse=True)
def mend(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let nothing that a test broke go wrong in the next."""
    yield
    if "ground" in request.fixturenames and (built := request.getfixturevalue("ground")).powers:
        built.break_images()
        built.switch_injector(down=False)
