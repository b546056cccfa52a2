"""Many people at the same button, and the bot in HTTP mode."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.messages import consent
from tests.scenarios.rig import ANA, BEN, CAI, Rig, World, open_world

CLICKS = 50


def click_at_once(rig: Rig, count: int) -> list[str]:
    """So many clicks of two approvers on the open question at the same moment; the private answers."""
    message = next(message for message in reversed(rig.world.messages()) if consent(message))
    button = consent(message)
    assert button is not None
    before = {user: len(rig.private(user)) for user in (BEN, CAI)}
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda number: rig.click((BEN, CAI)[number % 2], message, button), range(count)))
    rig.settle()
    return [note["text"] for user in (BEN, CAI) for note in rig.private(user)[before[user] :]]


def test_one_of_fifty_clicks_wins_and_the_others_are_told(rig: Rig) -> None:
    """One compare-and-set decides."""
    rig.command(ANA, "start cluster-x")
    rig.run_until(lambda: any(consent(message) for message in rig.world.messages()))
    answers = Counter(text.split(" ", 2)[0] for text in click_at_once(rig, CLICKS))
    assert answers == {"You": 1, "Too": CLICKS - 1}


@pytest.fixture
def http_world(tmp_path: Path) -> Iterator[World]:
    """A world whose bot is reached by signed requests."""
    with open_world(tmp_path) as world, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        world.settings = replace(world.settings, slack=replace(world.settings.slack, mode="http", http_port=port))
        yield world


def test_an_upgrade_begins_in_http_mode(http_world: World) -> None:
    """By a signed command and a signed click."""
    rig = Rig(http_world, in_slack=False)
    rig.front.turn()
    port = http_world.settings.slack.http_port
    http_world.act("mode", mode="http", url=f"http://127.0.0.1:{port}/slack/events")
    rig.command(ANA, "start cluster-x")
    rig.run_until(lambda: rig.approve_next(BEN))
    rig.run_until(lambda: rig.bot.journal.list_upgrades()[0].step.startswith("download"))
    rig.crash()
