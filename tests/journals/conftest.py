"""One world for all frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.journals.restoring import Studio, open_studio
from tests.scenarios.prompt import connect_at_once
from tests.scenarios.rig import leave_sockets, open_world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bots of these tests are dropped as a crash drops them, so what they leave open is no fault here."""
    for item in items:
        if "tests/journals" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(scope="module", autouse=True)
def leave_nothing_open() -> Iterator[None]:
    """What the bots of a file left open is collected before tests begin for which that would be a fault."""
    with leave_sockets(), connect_at_once():
        yield


@pytest.fixture(autouse=True)
def keep_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give back the variables that a world sets."""
    for name in ("PATH", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """The world that is put into the state of one frame after the other."""
    root = tmp_path_factory.mktemp("journals")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
        stack.enter_context(leave_sockets())
        world = stack.enter_context(open_world(root, rate_limits=False, neighbour=True, wire=False))
        patch.undo()
        yield open_studio(world)
