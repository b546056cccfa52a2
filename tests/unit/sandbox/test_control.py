from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from sandbox.bot.child import BotChild
from sandbox.clock import SimulatedClock
from sandbox.control import Switches, control_site
from sandbox.google.metadata import MetadataSwitches
from sandbox.google.switches import GoogleSwitches
from sandbox.release.switches import ReleaseSwitches
from sandbox.web.sites import serve_in_thread


@dataclass(frozen=True)
class Board:
    """A switchboard and what it switches."""

    url: str
    clock: SimulatedClock
    google: GoogleSwitches

    def post(self, path: str, body: object) -> httpx.Response:
        """Send a JSON body."""
        return httpx.post(self.url + path, json=body, timeout=60)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """A switchboard of a bot that isn't running."""
    clock, google = SimulatedClock(1.0), GoogleSwitches()
    bot = BotChild({}, tmp_path / "bot.log", lambda _: None, (sys.executable, "-c", "pass"))
    switches: Switches = {"google": google, "metadata": MetadataSwitches(), "releases": ReleaseSwitches()}
    site = serve_in_thread(control_site(bot, clock, switches))
    yield Board(site.url, clock, google)
    site.stop()


def test_the_clock_is_made_faster(board: Board) -> None:
    """From now on."""
    board.post("/control/clock", {"speed": 25})
    assert board.clock.speed == 25


@pytest.mark.parametrize("speed", ["fast", 0, None])
def test_a_wrong_speed_is_refused(board: Board, speed: object) -> None:
    """With a sentence."""
    answer = board.post("/control/clock", {"speed": speed})
    assert (answer.status_code, "speed" in answer.json()["error"]) == (400, True)


def test_a_bot_that_is_not_running_cannot_be_killed(board: Board) -> None:
    """The answer says that nothing was done."""
    assert board.post("/control/bot", {"action": "kill"}).json()["done"] is False


def test_an_unknown_action_is_named(board: Board) -> None:
    """With the actions that exist."""
    assert "kill, stop, start, restart" in board.post("/control/bot", {"action": "sing"}).json()["error"]


def test_googles_switches_are_on_the_board(board: Board) -> None:
    """The same switches as on Google's own site."""
    board.post("/control/google", {"operations": ["UPGRADE_NODES"]})
    assert board.google.operations == ["UPGRADE_NODES"]


def test_the_index_lists_the_paths(board: Board) -> None:
    """So that nobody has to guess."""
    paths = httpx.get(board.url + "/control", timeout=60).json()["paths"]
    assert {"/control/bot", "/control/clock", "/control/google", "/control/metadata", "/control/releases"} <= set(paths)


def test_a_foreign_host_name_is_refused(board: Board) -> None:
    """A page elsewhere can't kill the bot."""
    answer = httpx.post(board.url + "/control/bot", json={}, headers={"Host": "evil.example"}, timeout=60)
    assert answer.status_code == 403
