"""A bot that is process 1 of a container, in a sandbox of its own; a platform stops it and starts it again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from bot.gateways.programs.orphans import list_ended
from bot.journal.journal import JournalView
from bot.journal.store import StoredCopy
from bot.journal.verifying import Chains, verify_journal
from sandbox.bot.settings import DEFAULTS, SIMULATED_CLUSTER
from sandbox.state_folder import StateFolder, write_private
from sandbox.watching.messages import consent, kind_of
from tests.children import read_first_line
from tests.namespaces import Apart
from tests.scenarios.nursery import Child, Nursery
from tests.scenarios.rig import ANA, BEN, CHANNEL

Json: TypeAlias = dict[str, Any]
# The page of Slack is drawn for each look; what is looked for stays for longer than two of them.
LOOK_SECONDS = 0.05
# Nothing that a bot does takes longer on a busy machine.
MOST_SECONDS = 600.0
UPGRADE = "cluster-x-1"
SIGTERM_MASK = 1 << (signal.SIGTERM - 1)


@dataclass(frozen=True)
class Site:
    """A sandbox without a bot."""

    addresses: Mapping[str, Any]
    http: httpx.Client = field(repr=False)

    @property
    def state(self) -> Path:
        """The bot's state folder."""
        return Path(self.addresses["environment"]["ASM_UPGRADE_STATE"])

    def ask(self, site: str, path: str) -> Any:
        """What one of the sandbox's sites answers."""
        return self.http.get(f"{self.addresses[site]}{path}").raise_for_status().json()

    def tell(self, site: str, path: str, **body: Any) -> None:
        """Turn one of the sandbox's switches, or act as a person."""
        answer = self.http.post(f"{self.addresses[site]}{path}", json=body)
        assert answer.is_success, f"{path}: {answer.text}"

    def clear_faults(self) -> None:
        """Let Slack and the cluster be as ever."""
        self.http.delete(f"{self.addresses['kubernetes']}/control/faults").raise_for_status()

    def read_messages(self) -> list[Json]:
        """The channel's messages."""
        channels = self.ask("page", "/ui/state")["channels"]
        return next(list(channel["messages"]) for channel in channels if channel["id"] == CHANNEL)

    @contextmanager
    def open_journal(self) -> Iterator[StoredCopy]:
        """What the bots wrote down."""
        stored = StoredCopy(self.state / "asm-upgrade.db")
        try:
            yield stored
        finally:
            stored.close()

    def list_runs(self, prefix: str) -> list[Path]:
        """The folders of programs that run now; their locks are left alone, which the bot may be about to take."""
        begun = [lock for lock in self.state.glob(f"programs/runs/{prefix}*/lock") if lock.read_text().strip()]
        return [lock.parent for lock in begun if not lock.with_name("exit").exists()]


@contextmanager
def open_site(folder: Path, speed: str = "20") -> Iterator[Site]:
    """The sandbox as a program of its own; pods of one namespace are evicted, and its istioctl takes its time."""
    kept = StateFolder(folder)
    cluster = f'{SIMULATED_CLUSTER}evict_namespaces = ["shop"]\n'
    kept.clusters_file.parent.mkdir(parents=True)
    write_private(kept.clusters_file, f"{DEFAULTS}\n{cluster}")
    names = ("-m", "bot.app.cli", "sandbox", "--no-bot", "--json", "--speed", speed, "--state", str(folder))
    with (
        subprocess.Popen([sys.executable, *names], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run,
        httpx.Client(timeout=30, trust_env=False, verify=False) as http,
    ):
        try:
            site = Site(json.loads(read_first_line(run)), http)
            site.tell("page", "/ui/limits", enabled=False)
            site.tell("control", "/releases", tool_pace=0.3)
            yield site
        finally:
            run.send_signal(signal.SIGTERM)
            run.wait(MOST_SECONDS)


@dataclass(frozen=True)
class Life:
    """The bot from one start to its end."""

    outer: subprocess.Popen[bytes] | Child
    pid: int

    def catches_sigterm(self) -> bool:
        """Whether the signal would reach it: process 1 gets none that it does not catch."""
        told = Path(f"/proc/{self.pid}/status").read_text()
        (mask,) = (line.split()[1] for line in told.splitlines() if line.startswith("SigCgt"))
        return bool(int(mask, 16) & SIGTERM_MASK)

    def list_unreaped(self) -> list[int]:
        """Its children that have ended and that nobody has asked how."""
        return list(list_ended(self.pid))

    def stop(self) -> int:
        """What a platform does; the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.outer.wait(MOST_SECONDS)


@contextmanager
def begin_life(site: Site, apart: Apart, log: Path, grace: float) -> Iterator[Life]:
    """Start the bot, and wait until the signal can reach it; whatever becomes of the test, it ends."""
    with log.open("ab") as output:
        command = [*apart, sys.executable, "-m", "bot.app.cli", "serve"]
        outer = subprocess.Popen(command, env=describe_bot(site, grace), stderr=output)
    with follow_life(outer, apart) as life:
        yield life


@contextmanager
def begin_life_in(nursery: Nursery, site: Site, apart: Apart, log: Path, grace: float) -> Iterator[Life]:
    """The same in a nursery, where nothing needs to be imported."""
    with follow_life(nursery.start_bot(describe_bot(site, grace), log, apart), apart) as life:
        yield life


def describe_bot(site: Site, grace: float) -> dict[str, str]:
    """The environment of a bot in this sandbox."""
    return {**os.environ, **site.addresses["environment"], "ASM_UPGRADE_GRACE": str(grace)}


@contextmanager
def follow_life(outer: subprocess.Popen[bytes] | Child, apart: Apart) -> Iterator[Life]:
    """A bot that was just started; what stands around it ends with it."""
    try:
        life = Life(outer, find_child(outer.pid) if apart else outer.pid)
        wait_until(life.catches_sigterm, "the bot never looked for SIGTERM")
        yield life
    finally:
        outer.kill()  # the bot goes with it
        outer.wait(MOST_SECONDS)


def find_child(pid: int) -> int:
    """The one child of a program that makes one."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    wait_until(lambda: bool(children.read_text().strip()), "the bot did not begin")
    return int(children.read_text())


def wait_until(reached: Callable[[], bool], otherwise: str) -> None:
    """Look again and again, for as long as anything may take."""
    end = time.monotonic() + MOST_SECONDS
    while not reached():
        assert time.monotonic() < end, otherwise
        time.sleep(LOOK_SECONDS)


@dataclass
class Person:
    """Ana, who starts the upgrade, and Ben, who gives every approval once: again only where no bot took it."""

    site: Site
    clicked: set[tuple[str, str]] = field(default_factory=set)

    def act(self, messages: list[Json]) -> None:
        """Do what there is to do."""
        if not messages:
            self._do_once(("start", ""), "command", user=ANA, text="/asm-upgrade start cluster-x")
        for message in messages:
            assert kind_of(message) != "blocked", message["text"]
            button = consent(message)
            if button and kind_of(message) == "gate":
                place = (message["ts"], button["action_id"])
                self._do_once(place, "click", user=BEN, ts=place[0], action_id=place[1])

    def forget(self) -> None:
        """What was given to a bot that has ended may have to be given again."""
        self.clicked.clear()

    def _do_once(self, what: tuple[str, str], act: str, **body: Any) -> None:
        if what not in self.clicked and self.site.ask("page", "/ui/state")["bot"]["connections"]:
            answer = self.site.http.post(f"{self.site.addresses['page']}/ui/{act}", json={"channel": CHANNEL, **body})
            if answer.is_success:  # the button may have gone since it was looked for
                self.clicked.add(what)


def has_ended(messages: list[Json]) -> bool:
    """Whether the upgrade's report is there."""
    return any(kind_of(message) == "finished" for message in messages)


def list_faults(site: Site) -> list[str]:
    """What is not as it is at the end of an upgrade that nothing disturbed, or was written down and was not so."""
    messages = site.read_messages()
    ids = Counter(told["metadata"]["event_payload"]["outbox_id"] for told in messages if told.get("metadata"))
    outputs = [path.read_text() for path in site.state.glob("programs/runs/*/output")]
    with site.open_journal() as stored:
        journal = JournalView(stored)
        row, faults = journal.find_upgrade(UPGRADE), verify_journal(Chains(stored)).faults
        asked = Counter((question.step, question.decided_by) for question in journal.list_questions(UPGRADE))
        pods = Counter(entry.state for entry in journal.read_ledger(UPGRADE))
    right = {
        "upgraded": row is not None and row.state == "upgraded",
        "56 pods upgraded and 2 manual": pods == {"upgraded": 56, "manual": 2},
        "each approval asked for and given once": set(asked) == {(step, BEN) for step, _ in asked}
        and set(asked.values()) == {1},
        "a chain that holds": not faults,
        "each message once": set(ids.values()) == {1},
        "no program begun twice under one name": all(
            text.count("Applying manifest for component Base") <= 1 for text in outputs
        ),
    }
    return [what for what, is_so in right.items() if not is_so]
