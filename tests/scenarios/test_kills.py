"""A bot killed at random moments, as a program of its own, ends where an undisturbed one does."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.journal.journal import JournalView
from bot.journal.store import StoredCopy
from sandbox.watching.messages import consent, kind_of
from tests.children import read_first_line
from tests.scenarios.crashing import Records, strip_effects
from tests.scenarios.nursery import Nursery, open_nursery
from tests.scenarios.page import Page
from tests.scenarios.rig import ANA, BEN, CHANNEL

KILLS = 25
# The n-th gate is approved after so many kills at the earliest, so that a fast machine doesn't outrun them.
KILLS_BEFORE_GATE = (2, 4, 8, 12, 17, 22, 25)
LIFE_SECONDS = (0.2, 2.0)
UP_SECONDS = 60.0
LIMIT_SECONDS = 1200.0
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass
class Ruin:
    """What 25 kills left behind."""

    kills: int
    effects: Any
    ledger: Any
    decisions: list[tuple[str, str, str]]
    ids: Counter[str]
    outputs: list[str]


@contextmanager
def run_sandbox(state: Path) -> Iterator[dict[str, Any]]:
    """The sandbox without a bot; answers its addresses and the environment for one."""
    command = [
        sys.executable,
        "-m",
        "bot.app.cli",
        "sandbox",
        "--no-bot",
        "--json",
        "--speed",
        "20",
        "--state",
        str(state),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            yield json.loads(read_first_line(sandbox))
        finally:
            sandbox.send_signal(signal.SIGTERM)
            sandbox.wait(UP_SECONDS)


class Person:
    """Starts the upgrade and gives every approval, again where the bot was away."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def act(self, kills: int) -> bool:
        """Do what there is to do; whether the upgrade has ended."""
        messages = self._page.read_messages()
        if any(kind_of(message) == "finished" for message in messages):
            return True
        if not self._page.is_bot_there():
            return False
        if not messages:
            self._post("command", user=ANA, channel=CHANNEL, text="/asm-upgrade start cluster-x")
        gates = sum(kind_of(message) == "gate" for message in messages)
        patient = kills < KILLS_BEFORE_GATE[min(max(gates - 1, 0), len(KILLS_BEFORE_GATE) - 1)]
        for message in messages:
            button = None if patient else consent(message)
            assert kind_of(message) != "blocked", message["text"]
            if button and kind_of(message) == "gate":
                self._post("click", user=BEN, channel=CHANNEL, ts=message["ts"], action_id=button["action_id"])
        return False

    def _post(self, name: str, **body: Any) -> None:
        self._page.http.post(f"{self._page.address}/ui/{name}", json=body)


def wait_connected(page: Page) -> None:
    """Until the bot has its socket, so that a life is worth killing."""
    end = time.monotonic() + UP_SECONDS
    while time.monotonic() < end and not page.is_bot_there():
        time.sleep(0.05)


def kill_again_and_again(addresses: dict[str, Any], page: Page, nursery: Nursery, log: Path) -> int:
    """25 lives of random length, then one that is let go on to the end; answers how many were killed."""
    chance = random.Random(4711)
    person = Person(page)
    end = time.monotonic() + LIMIT_SECONDS
    kills, ended = 0, False
    while not ended:
        bot = nursery.start_bot({**os.environ, **addresses["environment"]}, log)
        try:
            if kills % 3:
                wait_connected(page)
            life = chance.uniform(*LIFE_SECONDS) if kills < KILLS else LIMIT_SECONDS
            until = time.monotonic() + life
            while not ended and time.monotonic() < min(until, end):
                ended = person.act(kills)
                time.sleep(0.1)
            assert time.monotonic() < end, f"not upgraded in time; see {log}"
        finally:
            bot.send(signal.SIGKILL if kills < KILLS and not ended else signal.SIGTERM)
            bot.wait(UP_SECONDS)
        kills += not ended
    return kills


@pytest.fixture(scope="module")
def ruin(tmp_path_factory: pytest.TempPathFactory) -> Ruin:
    """One upgrade under 25 kills."""
    state = tmp_path_factory.mktemp("kills")
    with (
        open_nursery() as nursery,
        run_sandbox(state) as addresses,
        httpx.Client(timeout=30, trust_env=False) as http,
    ):
        page = Page(addresses["page"], http)
        kills = kill_again_and_again(addresses, page, nursery, state / "bot.log")
        with httpx.Client(timeout=30, trust_env=False, verify=False) as insecure:
            objects = insecure.get(f"{addresses['kubernetes']}/control/state").json()["objects"]
        ids = Counter(
            message["metadata"]["event_payload"]["outbox_id"]
            for message in page.read_messages()
            if message.get("metadata")
        )
        folder = Path(addresses["environment"]["ASM_UPGRADE_STATE"])
    journal = JournalView(stored := StoredCopy(folder / "asm-upgrade.db"))
    ledger = Counter((entry.workload, entry.state) for entry in journal.read_ledger("cluster-x-1"))
    decisions = [(q.step, q.choice, q.decided_by) for q in journal.list_questions("cluster-x-1")]
    stored.close()
    outputs = []
    for path in (folder / "programs").rglob("*"):
        with suppress(OSError, UnicodeDecodeError):
            outputs += [path.read_text(encoding="utf-8")] if path.is_file() else []
    return Ruin(kills, strip_effects(objects), ledger, decisions, ids, outputs)


def test_it_was_killed_often(ruin: Ruin) -> None:
    """The test would prove little otherwise."""
    doubled = sum(text.count("[asmctl version") > 1 for text in ruin.outputs)
    repeated = sum(times - 1 for times in ruin.ids.values())
    sys.__stderr__.write(  # type: ignore[union-attr]
        f"\nSIGKILL at random moments: {ruin.kills} kills, programs started twice {doubled}, "
        f"lost approvals {sum(not choice for _, choice, _ in ruin.decisions)}, repeated messages {repeated}\n"
    )
    assert ruin.kills >= KILLS


def test_the_cluster_ends_as_undisturbed(ruin: Ruin, quiet: Records) -> None:
    """Generations count effects: none is doubled."""
    assert ruin.effects == quiet.cluster


@pytest.mark.weather("the bot killed 50 times in the phase")
def test_the_ledger_ends_as_undisturbed(ruin: Ruin, quiet: Records) -> None:
    """No pod is lost or counted twice."""
    assert ruin.ledger == quiet.ledger


def test_every_gate_was_opened_by_a_person_once(ruin: Ruin, quiet: Records) -> None:
    """The same questions with the same answers."""
    assert ruin.decisions == quiet.decisions


def test_no_message_stands_twice(ruin: Ruin) -> None:
    """Posting in flight at the kill is looked for before it is repeated."""
    assert [outbox_id for outbox_id, times in ruin.ids.items() if times > 1] == []


def test_no_program_was_started_twice(ruin: Ruin) -> None:
    """A program that outlives its bot is adopted."""
    openings = ("Applying manifest for component Base", "[asmctl version")
    assert [text for text in ruin.outputs if any(text.count(opening) > 1 for opening in openings)] == []
