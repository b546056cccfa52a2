"""Every contract runs on the simulated cluster and, where one was given, on a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contracts.ground import GivenGround, Ground, RealGround, SimulatedGround, install_mesh
from tests.realcluster.control_plane import ControlPlane, run_control_plane


class Grounds:
    """The clusters of this run by name; all end with the stack."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder = folder
        self._stack = stack
        self._built: dict[str, Ground] = {}

    def find(self, name: str, build: Callable[[ExitStack], Ground]) -> Ground:
        """The cluster of this name, with a mesh where it may have one."""
        if name not in self._built:
            self._built[name] = built = build(self._stack)
            if "mesh" in built.powers:
                install_mesh(built)
        return self._built[name]


@pytest.fixture(scope="package")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """Give each cluster to whoever asks, built once: pytest leaves a parametrised session fixture and comes back."""
    with ExitStack() as stack:
        yield Grounds(stack, tmp_path_factory.mktemp("simulated"))


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.realcluster)])
def ground(request: pytest.FixtureRequest, grounds: Grounds) -> Iterator[Ground]:
    """Give one cluster for all contracts; each test makes namespaces of its own, and what it broke is mended after."""
    built = open_ground(request, grounds)
    yield built
    if built.powers:
        built.break_images()
        built.switch_injector(down=False)
        built.lose_nodes()
    if built.name == "simulated":
        built.clear()


@pytest.fixture(scope="package")
def real_control_plane(control_plane: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Start a control plane on loopback; it ends with the contracts, for one that nobody asks is at work as well."""
    with run_control_plane(control_plane, tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


def open_ground(request: pytest.FixtureRequest, grounds: Grounds) -> Ground:
    """The cluster that a test's parameter names."""
    if request.param == "simulated":
        return grounds.find("simulated", lambda stack: SimulatedGround(grounds.folder, stack))
    if kubeconfig := request.config.getoption("kubeconfig"):
        return grounds.find("given", lambda stack: GivenGround(Path(kubeconfig), stack))
    plane: ControlPlane = request.getfixturevalue("real_control_plane")
    return grounds.find("real", lambda stack: RealGround(plane, stack))
