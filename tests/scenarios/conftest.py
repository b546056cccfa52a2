"""Worlds and rigs that are closed at the end of their test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.crashing import Records, run_upgrade
from tests.scenarios.desk import Desk
from tests.scenarios.film import Film, share, show_film
from tests.scenarios.prompt import connect_at_once
from tests.scenarios.rig import Rig, World, leave_sockets, open_world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bots of these tests are dropped as a crash drops them, so what they leave open is no fault here."""
    for item in items:
        if "tests/scenarios" in item.path.as_posix():
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
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")


@pytest.fixture(scope="session")
def wire() -> bool:
    """Whether the bot's own requests to the API server take a connection; files that judge how it is reached say so."""
    return False


@pytest.fixture
def world(tmp_path: Path, wire: bool) -> Iterator[World]:
    """Everything around the bot, with one clock moved by hand."""
    with open_world(tmp_path, wire=wire) as opened:
        yield opened


@pytest.fixture
def rig(world: World) -> Iterator[Rig]:
    """The bot in its world, connected by Socket Mode."""
    built = Rig(world)
    yield built
    built.crash()


def find_shared(factory: pytest.TempPathFactory, name: str) -> Path | None:
    """The file by which the workers of a run share something; none where there is one worker."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    return factory.getbasetemp().parent / f"{name}-{run}" if run else None


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """What an upgrade leaves behind that nothing disturbs."""

    def run() -> Records:
        with open_world(tmp_path_factory.mktemp("quiet"), rate_limits=False, wire=False) as opened:
            return run_upgrade(opened, None)

    shared = find_shared(tmp_path_factory, "quiet")
    return share(shared, run) if shared else run()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    """One upgrade of cluster-x, at any of its moments; the workers of a run share what the first of them filmed."""
    shared = find_shared(tmp_path_factory, "film")
    with leave_sockets(), show_film(tmp_path_factory.mktemp("film"), shared) as shown:
        yield shown


@pytest.fixture
def desk(tmp_path: Path, wire: bool) -> Iterator[Desk]:
    """A bot without Slack in a world of its own."""
    with open_world(tmp_path, rate_limits=False, wire=wire) as world:
        made = Desk(world)
        yield made
        made.rig.crash()
