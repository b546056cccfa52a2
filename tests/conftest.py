"""Options and fixtures that every tier of the tests shares."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.database import InMemoryExampleDatabase

from tests.fifo import Fifo, MakeFifo
from tests.namespaces import Apart, find_way_apart
from tests.skips import NO_CHROMIUM, NO_DRIVER, NOT_ASKED_FOR

pytest_plugins = (
    "tests.strictness",
    "tests.order",
    "tests.memory",
    "tests.connections",
    "tests.variables",
    "tests.thrift",
)

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# Left in the venv by ./dev once the driver was seen to start.
DRIVEN = "chromium-driven"
CONTROL_PLANE_PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose the real control plane."""
    group = parser.getgroup("real cluster")
    group.addoption("--real-cluster", action="store_true", help="run the contracts on a real kube-apiserver as well")
    group.addoption(
        "--control-plane",
        metavar="FOLDER",
        type=Path,
        default=os.environ.get("KUBEBUILDER_ASSETS"),
        help="folder with " + ", ".join(CONTROL_PLANE_PROGRAMS) + " (default: $KUBEBUILDER_ASSETS)",
    )
    group.addoption("--kubeconfig", metavar="FILE", type=Path, help="run the contracts on this cluster instead")
    parser.addoption(
        "--every-journal",
        action="store_true",
        help="let every frozen journal go on to its end, and istioctl run each time",
    )
    parser.addoption("--every-text", action="store_true", help="send every made-up text through readers and doors")
    parser.addoption("--every-kill", action="store_true", help="kill everybody at every call of an apply")
    group.addoption("--istioctl", metavar="FILE", type=Path, help="hold this istioctl to its contracts as well")
    group.addoption("--release-archive", metavar="FILE", type=Path, help="the istioctl of this archive of a release")
    group.addoption("--kubectl", metavar="FILE", type=Path, help="with this kubectl (default: the control plane's)")
    parser.addoption("--pictures", metavar="FOLDER", type=Path, help="keep the browser tests' pictures here")


def pytest_configure(config: pytest.Config) -> None:
    """Who asks for the real-cluster tier must give what it runs on."""
    configure_hypothesis(config.rootpath)
    missing = missing_for_real_cluster(config)
    given = next((name for name in ("istioctl", "release_archive") if config.getoption(name)), "")
    if given and missing == NOT_ASKED_FOR:
        option = f"--{given.replace('_', '-')} FILE"
        raise pytest.UsageError(f"{option} needs --real-cluster and --control-plane FOLDER")
    if missing not in (None, NOT_ASKED_FOR):
        raise pytest.UsageError(missing)


def configure_hypothesis(root: Path) -> None:
    """Examples have no time limit of their own, and where the checkout is somebody else's they are kept in memory."""
    settings.register_profile("any machine", deadline=None)
    settings.register_profile("read-only", deadline=None, database=InMemoryExampleDatabase())
    settings.load_profile("any machine" if os.access(root, os.W_OK) else "read-only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the real-cluster tier where nobody asked for it."""
    missing = missing_for_real_cluster(config)
    if missing is None:
        return
    for item in items:
        if item.get_closest_marker("realcluster"):
            item.add_marker(pytest.mark.skip(reason=missing))


def missing_for_real_cluster(config: pytest.Config) -> str | None:
    """Say what the real-cluster tier still lacks and how to get it; None when it can run."""
    if config.getoption("kubeconfig"):
        kubeconfig = Path(config.getoption("kubeconfig"))
        return None if kubeconfig.is_file() else f"--kubeconfig {kubeconfig}: no such file"
    if not config.getoption("real_cluster"):
        return NOT_ASKED_FOR
    folder = config.getoption("control_plane")
    if folder is None:
        return (
            "--real-cluster needs --control-plane FOLDER (or KUBEBUILDER_ASSETS) with "
            + ", ".join(CONTROL_PLANE_PROGRAMS)
            + "; the Kubernetes 1.20.2 server binaries and etcd 3.4 have them, or give --kubeconfig FILE"
        )
    absent = [name for name in CONTROL_PLANE_PROGRAMS if not os.access(Path(folder) / name, os.X_OK)]
    return f"--control-plane {folder}: no program {', '.join(absent)} there" if absent else None


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Give the folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def apart() -> Apart:
    """What makes a program the first process of a namespace; skips where that is not allowed."""
    return find_way_apart()


@pytest.fixture
def make_fifo(tmp_path: Path) -> Iterator[MakeFifo]:
    """Make fifos in the test's folder, taken away at its end."""
    with ExitStack() as stack:

        def make(name: str) -> Fifo:
            fifo = Fifo(tmp_path / name)
            stack.callback(fifo.close)
            return fifo

        yield make


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Give the path of a Chromium to drive: $CHROMIUM, the system's, or a visible skip."""
    named = [os.environ.get("CHROMIUM", ""), *CHROMIUM_NAMES, CHROMIUM_ON_MACOS]
    found = next((path for name in named if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(NO_CHROMIUM)
    driver = [sys.executable, "-m", "playwright", "--version"]
    known = Path(sys.prefix, DRIVEN).exists()
    if not known and subprocess.run(driver, capture_output=True, timeout=60, check=False).returncode:
        pytest.skip(NO_DRIVER)
    return Path(found)


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder for pictures of the page: --pictures, or one that is thrown away."""
    folder = request.config.getoption("pictures") or tmp_path_factory.mktemp("pictures")
    return Path(folder)


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Path:
    """Give the folder with the control plane's programs."""
    return Path(request.config.getoption("control_plane"))
